"""From a plain batch (`src/batch/token-batch.ts`) to tensors: who sees whom, where rows come from, which are read.

Its pictures are patches by content, kept up to a number of bytes, and normalised here.

Legend: B samples, T positions, N = B T rows, S segments, D width.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

HIDDEN_SCORE = -1e30
WORD, BLANK, PADDING = -1, -2, -1
# Mean and deviation of Qwen2.5-VL's image processor, as in `src/frames/patch-bytes.ts`.
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
_STD = np.array([0.26862954, 0.26130258, 0.27577711])
_TABLE = ((np.arange(256) / 255 - _MEAN[:, None]) / _STD[:, None]).astype(np.float32)


def _visible(segments: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """[B, T, T]: a row sees itself and earlier rows of its own segment and of the segments that it continues."""
    count = len(parents)
    sees = np.eye(count + 1, dtype=bool)
    for segment, parent in enumerate(parents):
        if parent >= 0:
            sees[segment] |= sees[parent]
    # Padding has the last number: it sees nothing, and nobody sees it.
    sees[count] = False
    own = np.where(segments == PADDING, count, segments)
    return np.tril(sees[own[:, :, None], own[:, None, :]])


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


def _normalized(patches: np.ndarray, channels: int, per_row: int) -> np.ndarray:
    """Patch rows [P, per_row] as float32; levels are turned into (level / 255 - mean) / deviation of their channel."""
    if patches.dtype != np.uint8:
        return patches.reshape(-1, per_row)
    levels = patches.reshape(-1, channels, per_row // channels)
    return _TABLE[np.arange(channels)[None, :, None], levels].reshape(-1, per_row)


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
    taps: dict[int, torch.Tensor]
    # Positions that go through all blocks, and the last block of the others.
    main_length: int
    tail_end: int
    # A row that sees nothing is read: attention must spread evenly there, also in its gradient.
    reads_blind: bool

    def kept_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """Row numbers where only the first positions go on."""
        return rows // self.length * self.main_length + rows % self.length


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
    steps, vision = batch["media"], config.vision_config
    pixels = grid = None
    if steps:
        per_row = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
        rows = [_normalized(patches[step["content"]], vision.in_channels, per_row) for step in steps]
        pixels = torch.from_numpy(np.concatenate(rows)).to(device)
        grid = torch.tensor([[1, step["rows"], step["columns"]] for step in steps], device=device)

    def on_device(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array.astype(np.int64)).to(device)

    dropped = factors = None
    if scale is not None:
        dropped = on_device(scale["rows"])
        kept = np.unpackbits(scale["kept"], count=len(dropped) * scale["width"], bitorder="little")
        kept = kept.astype(np.float32).reshape(-1, scale["width"]) * np.float32(scale["factor"])
        factors = torch.from_numpy(kept).to(device)
    banned = drawn.get("bannedTokens")
    return Tensors(
        samples=samples,
        length=length,
        ids=on_device(batch["ids"]),
        positions=on_device(batch["positions"]).reshape(3, samples, length),
        mask=torch.from_numpy(mask).unsqueeze(1).to(device),
        source=on_device(batch["source"]),
        pixels=pixels,
        grid=grid,
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


def _contents(batches: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(step["content"] for batch in batches for step in batch["media"]))


class MediaCache:
    """Patches by content; what was used longest ago is forgotten first and asked for again."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._patches: dict[str, np.ndarray] = {}
        self._bytes = 0

    def missing(self, batches: list[dict[str, Any]], given: dict[str, np.ndarray]) -> list[str]:
        """When contents of batches are neither here nor given: all that are not here, for one answer with them all."""
        absent = [content for content in _contents(batches) if content not in self._patches]
        return [] if all(content in given for content in absent) else absent

    def patches(self, batches: list[dict[str, Any]], given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Patches of batches by content, theirs whatever is forgotten later; what was given is kept, as room allows."""
        wanted = _contents(batches)
        # What was kept is the newest again.
        used = {content: self._patches.pop(content) for content in wanted if content not in given}
        self._patches |= used
        for content in [one for one in given if one not in self._patches]:
            # A copy: the array is a view of a message that holds more.
            self._patches[content] = given[content].copy()
            self._bytes += given[content].nbytes
        while self._bytes > self._limit:
            self._bytes -= self._patches.pop(next(iter(self._patches))).nbytes
        return {content: given[content] if content in given else used[content] for content in wanted}
