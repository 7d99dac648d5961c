"""One pass over a batch: transformers' own blocks, with our positions, visibility, scored rows and taps.

Legend: B samples, T positions, N = B T rows, M scored rows, V vocabulary, D width.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from .batch import BLANK, HIDDEN_SCORE, WORD, Tensors

# Most logits that are held at once.
_LOGITS_AT_ONCE = 1 << 25


class Outputs(NamedTuple):
    """What a pass gives; tensors of the graph when it was kept."""

    token_logprobs: torch.Tensor
    states: dict[int, torch.Tensor]
    candidates: tuple[torch.Tensor, torch.Tensor] | None
    logits: torch.Tensor | None
    visual: torch.Tensor | None
    # 0, and a function of all that this pass computed only because another rank has to.
    idle: torch.Tensor | None


def _target_logprobs(logits: torch.Tensor, targets: torch.Tensor, batch: Tensors) -> torch.Tensor:
    scores = logits.float() if batch.temperature == 1 else logits.float() / batch.temperature
    if batch.banned is not None:
        bans = torch.zeros(scores.shape[-1], device=scores.device).index_fill(0, batch.banned, HIDDEN_SCORE)
        scores = scores + bans
    return scores.gather(1, targets[:, None])[:, 0] - torch.logsumexp(scores, dim=-1)


def _candidate_logprobs(logits: torch.Tensor, tokens: torch.Tensor | None, top: int) -> tuple[Any, Any]:
    exact = logits.detach().double()
    if tokens is None:
        # Stable: of equal ones the smallest ids come first.
        tokens = torch.sort(exact, dim=-1, descending=True, stable=True).indices[:, :top]
    return tokens, (exact.gather(1, tokens) - torch.logsumexp(exact, dim=-1, keepdim=True)).float()


def _recomputed(forward: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """A piece of work whose inside is computed again for its gradient."""
    return (partial(checkpoint, forward, use_reentrant=False) if torch.is_grad_enabled() else forward)(*given, **named)


class BatchModel(nn.Module):
    """Runs a batch through a model of transformers, block by block."""

    def __init__(self, model: nn.Module, attention: str, recompute: bool) -> None:
        super().__init__()
        self.model = model
        self.visual = model.model.visual
        self.language = model.model.language_model
        self._attention = attention
        self.visual.config._attn_implementation = attention
        if recompute:
            for block in [block for tower in self.towers() for block in tower]:
                block.forward = partial(_recomputed, block.forward)

    def towers(self) -> list[list[nn.Module]]:
        """Blocks of the visual tower, and those of the language model."""
        return [list(self.visual.blocks), list(self.language.layers)]

    def forward(self, work: Callable[..., Any], *given: Any) -> Any:
        """Does a piece of work that reads weights: where ranks share them they are there only within a forward."""
        return work(self, *given)

    def see(self, batch: Tensors) -> torch.Tensor | None:
        """Visual tokens [U, D] of a batch's pictures."""
        return None if batch.pixels is None else self.visual(batch.pixels, grid_thw=batch.grid).pooler_output

    def embed(self, batch: Tensors, visual: torch.Tensor | None) -> torch.Tensor:
        """Words and visual tokens at their places, [B, T, D]."""
        table = self.language.embed_tokens
        words = (batch.source == WORD).nonzero()[:, 0]
        spelled = table(batch.ids[words])
        rows = spelled.new_zeros(batch.ids.numel(), spelled.shape[1]).index_copy(0, words, spelled)
        if visual is not None:
            shows = batch.source > max(WORD, BLANK)
            if batch.dropped is not None:
                shows = shows.index_fill(0, batch.dropped, False)
                dropped = visual[batch.source[batch.dropped]] * batch.factors.to(visual.dtype)
                rows = rows.index_copy(0, batch.dropped, dropped)
            plain = shows.nonzero()[:, 0]
            rows = rows.index_copy(0, plain, visual[batch.source[plain]])
        return rows.view(batch.samples, batch.length, -1)

    def blocks(
        self, batch: Tensors, hidden: torch.Tensor, cache: Any = None, depth: int = 0
    ) -> tuple[torch.Tensor, dict]:
        """States after the last block that anything needs (at least `depth`), and those that are tapped."""
        # Adding the mask spreads evenly where nothing is seen; fused attention has another gradient there.
        self.language.config._attn_implementation = "eager" if batch.reads_blind else self._attention
        turns = self.language.rotary_emb(hidden, batch.positions)
        mask, states = batch.mask.to(hidden.dtype), {}
        last = len(self.language.layers) if len(batch.scored) > 0 else max(batch.taps, default=0)
        for block, layer in enumerate(self.language.layers[: max(last, depth)], start=1):
            if block == batch.tail_end + 1 and batch.tail_end > 0:
                kept = batch.main_length
                hidden, mask = hidden[:, :kept], mask[:, :, :kept, :kept]
                turns = tuple(part[:, :kept] for part in turns)
            hidden = layer(hidden, attention_mask=mask, position_embeddings=turns, past_key_values=cache)
            if block in batch.taps:
                rows = batch.taps[block]
                if 0 < batch.tail_end < block:
                    rows = batch.kept_rows(rows)
                states[block] = hidden.reshape(-1, hidden.shape[-1])[rows]
        return hidden, states

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits [M, V] of states [M, D] after the last block."""
        return self.model.lm_head(self.language.norm(hidden))

    def idle_picture(self, device: torch.device) -> torch.Tensor:
        """The tower's tokens for one dark square: what a rank without pictures computes while others have some."""
        vision = self.visual.config
        side = vision.spatial_merge_size
        per_row = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
        dark = torch.zeros(side**2, per_row, device=device)
        return self.visual(dark, grid_thw=torch.tensor([[1, side, side]], device=device)).pooler_output

    def run(self, batch: Tensors, want: dict[str, Any]) -> Outputs:
        """Scores targets and taps states; `want` says what else: `tokens` or `top` candidates, `inspect`.

        Its `together`: which parts of the model all ranks run in this pass.
        """
        together = want.get("together") or {}
        visual, idle = self.see(batch), []
        hidden = self.embed(batch, visual)
        if together.get("pictures") and visual is None:
            # Into the blocks, so that backward passes through them here where it does on ranks with pictures.
            hidden = hidden + (self.idle_picture(batch.ids.device).float().sum() * 0).to(hidden.dtype)
        hidden, states = self.blocks(batch, hidden, depth=together.get("blocks", 0))
        rows = hidden.reshape(-1, hidden.shape[-1])
        shown = visual if want.get("inspect") else None
        if together:
            # Pictures that no row shows, blocks behind the last state: their gradient is zero, and it is there.
            idle += [rows[:1]] if visual is None else [rows[:1], visual[:1]]
            if together["scores"] and len(batch.scored) == 0:
                idle.append(self.logits(rows[:1]))
        nothing = sum(part.float().sum() * 0 for part in idle) if idle else None
        if len(batch.scored) == 0:
            return Outputs(torch.zeros(0), states, None, None, shown, nothing)
        pieces = self._score(rows[batch.kept_rows(batch.scored)], batch, want)
        joined = [None if part[0] is None else torch.cat(part) for part in zip(*pieces, strict=True)]
        candidates = None if joined[1] is None else (joined[1], joined[2])
        return Outputs(joined[0], states, candidates, joined[3], shown, nothing)

    def _score(self, scored: torch.Tensor, batch: Tensors, want: dict[str, Any]) -> list[tuple]:
        """The vocabulary in pieces: logprobs, candidates and their logprobs, logits."""
        at_once = max(1, _LOGITS_AT_ONCE // self.model.lm_head.weight.shape[0])
        tokens, top = want.get("tokens"), want.get("top")

        def piece(states: torch.Tensor, targets: torch.Tensor, wanted: torch.Tensor | None) -> tuple:
            logits = self.logits(states)
            asks = wanted is not None or top is not None
            chosen = _candidate_logprobs(logits, wanted, top or 0) if asks else (None, None)
            kept = logits.detach() if want.get("inspect") else None
            return _target_logprobs(logits, targets, batch), *chosen, kept

        pieces = []
        for start in range(0, len(scored), at_once):
            part = slice(start, start + at_once)
            given = scored[part], batch.targets[part], None if tokens is None else tokens[part]
            pieces.append(_recomputed(piece, *given) if len(scored) > at_once else piece(*given))
        return pieces
