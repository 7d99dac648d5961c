"""One pass over a batch: transformers' own blocks, with our positions, visibility, scored rows and taps.

Legend: B samples, T positions, N = B T rows, M scored rows, V vocabulary, D width.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from .batch import BLANK, HIDDEN_SCORE, WORD, Tensors

# Most logits that are held at once.
_LOGITS_AT_ONCE = 1 << 25


@dataclass
class Outputs:
    """What a pass gives; tensors of the graph when it was kept."""

    token_logprobs: torch.Tensor
    states: dict[int, torch.Tensor] = field(default_factory=dict)
    candidates: tuple[torch.Tensor, torch.Tensor] | None = None
    logits: torch.Tensor | None = None
    visual: torch.Tensor | None = None


def _target_logprobs(logits: torch.Tensor, targets: torch.Tensor, batch: Tensors) -> torch.Tensor:
    scores = logits.float()
    if batch.temperature != 1:
        scores = scores / batch.temperature
    if batch.banned is not None:
        bans = torch.zeros(scores.shape[-1], device=scores.device).index_fill(0, batch.banned, HIDDEN_SCORE)
        scores = scores + bans
    return scores.gather(1, targets[:, None])[:, 0] - torch.logsumexp(scores, dim=-1)


def _candidate_logprobs(logits: torch.Tensor, tokens: torch.Tensor | None, top: int) -> tuple[Any, Any]:
    exact = logits.detach().double()
    if tokens is None:
        # Stable: of equal ones the smallest ids come first.
        tokens = torch.sort(exact, dim=-1, descending=True, stable=True).indices[:, :top]
    logprobs = exact.gather(1, tokens) - torch.logsumexp(exact, dim=-1, keepdim=True)
    return tokens, logprobs.float()


class BatchModel(nn.Module):
    """Runs a batch through a model of transformers, block by block."""

    def __init__(self, model: nn.Module, attention: str) -> None:
        super().__init__()
        self.model = model
        self.visual = model.model.visual
        self.language = model.model.language_model
        self._attention = attention
        self.visual.config._attn_implementation = attention

    def see(self, batch: Tensors) -> torch.Tensor | None:
        """Visual tokens [U, D] of a batch's pictures."""
        if batch.pixels is None:
            return None
        return self.visual(batch.pixels, grid_thw=batch.grid).pooler_output

    def embed(self, batch: Tensors, visual: torch.Tensor | None) -> torch.Tensor:
        """Words and visual tokens at their places, [B, T, D]."""
        table = self.language.embed_tokens
        rows = torch.zeros(batch.ids.numel(), table.weight.shape[1], device=batch.ids.device)
        words = (batch.source == WORD).nonzero()[:, 0]
        rows = rows.index_copy(0, words, table(batch.ids[words]))
        if visual is not None:
            shows = batch.source > max(WORD, BLANK)
            if batch.dropped is not None:
                shows = shows.index_fill(0, batch.dropped, False)
                dropped = visual[batch.source[batch.dropped]] * batch.factors
                rows = rows.index_copy(0, batch.dropped, dropped)
            plain = shows.nonzero()[:, 0]
            rows = rows.index_copy(0, plain, visual[batch.source[plain]])
        return rows.view(batch.samples, batch.length, -1)

    def blocks(self, batch: Tensors, hidden: torch.Tensor, cache: Any = None) -> tuple[torch.Tensor, dict]:
        """States after the last block that anything needs, and those that are tapped."""
        # Adding the mask spreads evenly where nothing is seen; fused attention has another gradient there.
        self.language.config._attn_implementation = "eager" if batch.reads_blind else self._attention
        turns = self.language.rotary_emb(hidden, batch.positions)
        mask, states = batch.mask, {}
        last = len(self.language.layers) if len(batch.scored) > 0 else max(batch.taps, default=0)
        for block, layer in enumerate(self.language.layers[:last], start=1):
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

    def forward(self, batch: Tensors, want: dict[str, Any]) -> Outputs:
        """Scores targets and taps states; `want` says what else: `tokens` or `top` candidates, `inspect`."""
        visual = self.see(batch)
        hidden, states = self.blocks(batch, self.embed(batch, visual))
        shown = visual if want.get("inspect") else None
        if len(batch.scored) == 0:
            return Outputs(torch.zeros(0), states, None, None, shown)
        scored = hidden.reshape(-1, hidden.shape[-1])[batch.kept_rows(batch.scored)]
        pieces = self._score(scored, batch, want)
        joined = [None if part[0] is None else torch.cat(part) for part in zip(*pieces, strict=True)]
        candidates = None if joined[1] is None else (joined[1], joined[2])
        return Outputs(joined[0], states, candidates, joined[3], shown)

    def _score(self, scored: torch.Tensor, batch: Tensors, want: dict[str, Any]) -> list[tuple]:
        """The vocabulary in pieces: logprobs, candidates and their logprobs, logits."""
        at_once = max(1, _LOGITS_AT_ONCE // self.model.lm_head.weight.shape[0])
        tokens, top = want.get("tokens"), want.get("top")

        def piece(states: torch.Tensor, targets: torch.Tensor, wanted: torch.Tensor | None) -> tuple:
            logits = self.logits(states)
            chosen = (None, None)
            if wanted is not None or top is not None:
                chosen = _candidate_logprobs(logits, wanted, top or 0)
            kept = logits.detach() if want.get("inspect") else None
            return _target_logprobs(logits, targets, batch), *chosen, kept

        pieces = []
        for start in range(0, len(scored), at_once):
            part = slice(start, start + at_once)
            given = scored[part], batch.targets[part], None if tokens is None else tokens[part]
            if len(scored) > at_once and torch.is_grad_enabled():
                pieces.append(checkpoint(piece, *given, use_reentrant=False))
            else:
                pieces.append(piece(*given))
        return pieces
