"""From a plain batch (`src/batch/token-batch.ts`) to tensors: who sees whom, where rows come from, which are read.

Legend: B samples, T positions, N = B T rows, S segments, D width.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from .media import normalized

HIDDEN_SCORE = -1e30
WORD, BLANK, PADDING = -1, -2, -1


def _visible(segments: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """[B, T, T]: a row sees itself and earlier rows of its own segment and of the segments that it continues."""
    count, length = len(parents), segments.shape[1]
    sees = np.eye(count + 1, dtype=bool)
    for segment, parent in enumerate(parents):
        if parent >= 0:
            sees[segment] |= sees[parent]
    # Padding has the last number: it sees nothing, and nobody sees it.
    sees[count] = False
    own = np.where(segments == PADDING, count, segments)
    causal = np.tril(np.ones((length, length), dtype=bool))
    return sees[own[:, :, None], own[:, None, :]] & causal


def _tail_cut(segments: np.ndarray, ends: np.ndarray, layers: int) -> tuple[int, int]:
    """Positions that go through all blocks, and the last block of those behind them (0: none end before)."""
    length = segments.shape[1]
    used = segments != PADDING
    end = np.where(used, ends[segments] if len(ends) else 0, 0)
    columns = np.broadcast_to(np.arange(length), segments.shape)
    ending, lasting = used & (end > 0), used & (end == 0)
    first_ending = int(columns[ending].min()) if ending.any() else length
    behind_lasting = int(columns[lasting].max()) + 1 if lasting.any() else 0
    tail_end = int(end.max()) if end.size else 0
    is_cut = first_ending < length and first_ending >= max(1, behind_lasting) and tail_end < layers
    return (first_ending, tail_end) if is_cut else (length, 0)


@dataclass
class Tensors:
    """A batch on its device."""

    samples: int
    length: int
    ids: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    source: torch.Tensor
    # Pixels [P, per_row] and the sizes of their steps [U, 3]; None without pictures.
    pixels: torch.Tensor | None
    grid: torch.Tensor | None
    dropped: torch.Tensor | None
    factors: torch.Tensor | None
    scored: torch.Tensor
    targets: torch.Tensor
    temperature: float
    banned: torch.Tensor | None
    taps: dict[int, torch.Tensor] = field(default_factory=dict)
    # Positions that go through all blocks, and the last block of the others.
    main_length: int = 0
    tail_end: int = 0
    # A row that sees nothing is read: attention must spread evenly there, also in its gradient.
    reads_blind: bool = False

    def kept_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """Row numbers where only the first positions go on."""
        return rows // self.length * self.main_length + rows % self.length


def _pictures(
    batch: dict[str, Any], patches: dict[str, np.ndarray], vision: Any
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    steps = batch["media"]
    if not steps:
        return None, None
    per_row = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    rows = [normalized(patches[step["content"]], vision.in_channels, per_row) for step in steps]
    grid = [[1, step["rows"], step["columns"]] for step in steps]
    return torch.from_numpy(np.concatenate(rows)), torch.tensor(grid)


def to_tensors(batch: dict[str, Any], patches: dict[str, np.ndarray], config: Any, device: torch.device) -> Tensors:
    """A batch and its patches as tensors."""
    samples, length = batch["samples"], batch["length"]
    segments = batch["segments"].reshape(samples, length)
    layers = config.text_config.num_hidden_layers
    main_length, tail_end = _tail_cut(segments, batch["endBlocks"], layers)
    mask = np.where(_visible(segments, batch["parents"]), np.float32(0), np.float32(HIDDEN_SCORE))
    scored, scale = batch["scored"], batch.get("scale")
    drawn = scored.get("drawn", {})
    taps = {
        tap["block"]: np.concatenate([group["rows"] for group in tap["groups"]] or [np.zeros(0, np.int32)])
        for tap in batch["taps"]
    }
    read = np.concatenate([scored["rows"], *taps.values()])
    pixels, grid = _pictures(batch, patches, config.vision_config)

    def on_device(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array.astype(np.int64)).to(device)

    dropped = factors = None
    if scale is not None:
        count = len(scale["rows"]) * scale["width"]
        kept = np.unpackbits(scale["kept"], count=count, bitorder="little")
        dropped = on_device(scale["rows"])
        factors = torch.from_numpy(kept.astype(np.float32) * np.float32(scale["factor"]))
        factors = factors.reshape(-1, scale["width"]).to(device)
    banned = drawn.get("bannedTokens")
    return Tensors(
        samples=samples,
        length=length,
        ids=on_device(batch["ids"]),
        positions=on_device(batch["positions"]).reshape(3, samples, length),
        mask=torch.from_numpy(mask).unsqueeze(1).to(device),
        source=on_device(batch["source"]),
        pixels=None if pixels is None else pixels.to(device),
        grid=None if grid is None else grid.to(device),
        dropped=dropped,
        factors=factors,
        scored=on_device(scored["rows"]),
        targets=on_device(scored["targets"]),
        temperature=drawn.get("temperature", 1.0),
        banned=torch.tensor(banned, device=device) if banned else None,
        taps={block: on_device(rows) for block, rows in taps.items()},
        main_length=main_length,
        tail_end=tail_end,
        reads_blind=bool((segments.reshape(-1)[read] == PADDING).any()),
    )
