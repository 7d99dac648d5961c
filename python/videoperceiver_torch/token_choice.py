"""How a token is drawn from a row of logits: the rules and order of `src/engine/token-choice.ts`, number for number."""

from typing import Any

import numpy as np

from .errors import EngineError
from .seeded_random import SeededRandom


def _log_sum_exp(scores: np.ndarray) -> float:
    top = float(scores.max())
    return top + float(np.log(np.exp(scores.astype(np.float64) - top).sum()))


def _keep_top_k(scores: np.ndarray, k: int) -> None:
    if 0 < k < len(scores):
        scores[scores < np.sort(scores)[-k]] = -np.inf


def _keep_top_p(scores: np.ndarray, p: float) -> None:
    """Keeps the likeliest tokens that together reach p; of equally likely ones at the edge, the first."""
    if p >= 1:
        return
    order = np.sort(scores)[::-1]
    mass = np.cumsum(np.exp(order.astype(np.float64) - _log_sum_exp(scores)))
    count = min(int(np.searchsorted(mass, p)) + 1, len(order))
    least = order[count - 1]
    room = int((order[:count] == least).sum())
    scores[scores < least] = -np.inf
    scores[np.flatnonzero(scores == least)[room:]] = -np.inf


def ruled_scores(logits: np.ndarray, rules: dict[str, Any], seen: set[int]) -> np.ndarray:
    """Scores [V] under the rules; what may not be drawn has -inf. With temperature 0 only ban and penalty apply."""
    scores = logits.astype(np.float32, copy=True)
    scores[rules.get("bannedTokens", [])] = -np.inf
    penalty = rules.get("repetitionPenalty", 1)
    if penalty != 1 and seen:
        places = sorted(seen)
        before = scores[places].astype(np.float64)
        scores[places] = np.where(before < 0, before * penalty, before * (1 / penalty))
    temperature = rules["temperature"]
    if temperature == 0:
        return scores
    if temperature != 1:
        scores = (scores.astype(np.float64) / temperature).astype(np.float32)
    _keep_top_k(scores, rules.get("topK", 0))
    _keep_top_p(scores, rules.get("topP", 1))
    return scores


def _draw_index(scores: np.ndarray, random: SeededRandom) -> int:
    weights = np.exp(scores.astype(np.float64) - float(scores.max()))
    sums = np.cumsum(weights)
    chosen = int(np.searchsorted(sums, random.next() * sums[-1], side="right"))
    return min(chosen, int(np.flatnonzero(weights)[-1]))


def draw_token(logits: np.ndarray, rules: dict[str, Any], random: SeededRandom, seen: set[int]) -> tuple[int, float]:
    """A token and its log-probability under what it was drawn from; with temperature 0 under the model's own."""
    scores = ruled_scores(logits, rules, seen)
    if np.isnan(scores).any() or np.isposinf(scores).any():
        raise EngineError(
            "no token can be drawn",
            expected="finite logits",
            got="NaN or Infinity",
            hint="the weights are damaged, or training diverged: use an earlier checkpoint",
        )
    token = int(scores.argmax()) if rules["temperature"] == 0 else _draw_index(scores, random)
    return token, float(scores[token]) - _log_sum_exp(scores)
