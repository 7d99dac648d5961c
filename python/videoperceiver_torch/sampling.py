"""Completions: one prefill for all completions of a prompt, then one token a row and step.

Legend: B prompts, G completions of each, R = B G rows, T positions of the prompts, V vocabulary.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from .batch import HIDDEN_SCORE, PADDING, Tensors
from .model import BatchModel
from .token_choice import SeededRandom, draw_token


class _Row:
    """One completion while it is drawn."""

    def __init__(self, request: dict[str, Any], draw: int, prompt: list[int]) -> None:
        self._request = request
        self._random = SeededRandom(request["seed"], "completion", draw)
        self._seen = set(prompt) if request.get("repetitionPenalty", 1) != 1 else set()
        self.completion: dict[str, Any] = {"tokens": [], "logprobs": [], "finish": "length"}
        self.done = False

    def draw(self, logits: np.ndarray) -> int:
        token, logprob = draw_token(logits, self._request, self._random, self._seen)
        self.completion["logprobs"].append(logprob)
        if token in self._request["stopTokens"]:
            self.completion["finish"] = "stop"
            self.done = True
        else:
            self._seen.add(token)
            self.completion["tokens"].append(token)
            self.done = len(self.completion["tokens"]) >= self._request["maxNewTokens"]
        return token


def sample(
    model: BatchModel, batch: Tensors, given: dict[str, Any], request: dict[str, Any], check: Callable[[], None]
) -> list[list[dict[str, Any]]]:
    """Draws the completions of every prompt: result[prompt][completion]. `given` is the batch as it was sent."""
    copies, samples, length = request["completions"], batch.samples, batch.length
    if len(batch.scored) == 0:
        return []
    real = given["segments"].reshape(samples, length) != PADDING
    prompts = [given["ids"].reshape(samples, length)[b][real[b]].tolist() for b in range(samples)]
    # A completion's seed is by the number of its prompt, or by its place among all, wherever that is drawn.
    places, numbers = request.get("places", range(samples)), request.get("numbers")
    draws = [place if numbers is None else numbers[place] for place in places]
    rows = [_Row(request, draws[b] * copies + copy, prompts[b]) for b in range(samples) for copy in range(copies)]
    device = batch.ids.device
    cache = DynamicCache()
    hidden, _ = model.blocks(batch, model.embed(batch, model.see(batch)), cache)
    first = model.logits(hidden.reshape(-1, hidden.shape[-1])[batch.scored])
    cache.batch_repeat_interleave(copies)
    logits = first.repeat_interleave(copies, 0).float().cpu().numpy()
    # Columns of the prompts that are padding stay hidden; those of new tokens are seen by all.
    hides = torch.from_numpy(np.where(real, np.float32(0), np.float32(HIDDEN_SCORE))).to(device)
    hides = hides.repeat_interleave(copies, 0)
    start = torch.tensor(request["nextPositions"], device=device).repeat_interleave(copies)
    for step in range(request["maxNewTokens"]):
        check()
        tokens = [0 if row.done else row.draw(logits[r]) for r, row in enumerate(rows)]
        if all(row.done for row in rows):
            break
        hides = torch.nn.functional.pad(hides, (0, 1))
        hidden = model.language.embed_tokens(torch.tensor(tokens, device=device))[:, None]
        turns = model.language.rotary_emb(hidden, (start + step).view(1, -1, 1).expand(3, -1, 1))
        mask = hides[:, None, None].to(hidden.dtype)
        for layer in model.language.layers:
            hidden = layer(hidden, attention_mask=mask, position_embeddings=turns, past_key_values=cache)
        logits = model.logits(hidden[:, 0]).float().cpu().numpy()
    completions = [row.completion for row in rows]
    return [completions[at : at + copies] for at in range(0, len(rows), copies)]
