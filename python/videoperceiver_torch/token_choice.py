"""How a token is drawn from a row of logits: the rules and order of `src/engine/token-choice.ts`, number for number."""

import hashlib
import struct
from typing import Any

import numpy as np

from .errors import EngineError


class SeededRandom:
    """xoshiro128**, seeded by SHA-256: a key gives the same numbers as in the controller (`src/core/random.ts`)."""

    def __init__(self, *key: str | int) -> None:
        digest = hashlib.sha256("/".join(str(part) for part in key).encode()).digest()
        self._s = list(struct.unpack_from("<4I", digest))

    def _next_word(self) -> int:
        def rotated(x: int, by: int) -> int:
            return ((x << by) | (x >> (32 - by))) & word

        s, word = self._s, 0xFFFFFFFF
        result = rotated(s[1] * 5 & word, 7) * 9 & word
        t = s[1] << 9 & word
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotated(s[3], 11)
        return result

    def next(self) -> float:
        """Uniform in [0, 1), 53 bits."""
        return ((self._next_word() >> 5) * 67_108_864 + (self._next_word() >> 6)) / 9_007_199_254_740_992


def _log_sum_exp(scores: np.ndarray) -> float:
    top = float(scores.max())
    return top + float(np.log(np.exp(scores.astype(np.float64) - top).sum()))


def _keep_top_p(scores: np.ndarray, p: float) -> None:
    """Keeps the likeliest tokens that together reach p; of equally likely ones at the edge, the first."""
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
    if 0 < (k := rules.get("topK", 0)) < len(scores):
        scores[scores < np.sort(scores)[-k]] = -np.inf
    if (p := rules.get("topP", 1)) < 1:
        _keep_top_p(scores, p)
    return scores


def draw_token(logits: np.ndarray, rules: dict[str, Any], random: SeededRandom, seen: set[int]) -> tuple[int, float]:
    """A token and its log-probability under what it was drawn from; with temperature 0 under the model's own."""
    scores = ruled_scores(logits, rules, seen)
    if np.isnan(scores).any() or np.isposinf(scores).any():
        hint = "the weights are damaged, or training diverged: use an earlier checkpoint"
        raise EngineError("no token can be drawn", expected="finite logits", got="NaN or Infinity", hint=hint)
    token = int(scores.argmax())
    if rules["temperature"] != 0:
        weights = np.exp(scores.astype(np.float64) - float(scores.max()))
        sums = np.cumsum(weights)
        chosen = int(np.searchsorted(sums, random.next() * sums[-1], side="right"))
        token = min(chosen, int(np.flatnonzero(weights)[-1]))
    return token, float(scores[token]) - _log_sum_exp(scores)
