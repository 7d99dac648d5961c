"""The project's seeded generator (`src/core/random.ts`): xoshiro128** seeded by SHA-256, so that a name is a seed."""

import hashlib
import struct

_WORD = 0xFFFFFFFF


def _rotated(x: int, by: int) -> int:
    return ((x << by) | (x >> (32 - by))) & _WORD


class SeededRandom:
    """The same key gives the same numbers as in the controller."""

    def __init__(self, *key: str | int) -> None:
        digest = hashlib.sha256("/".join(str(part) for part in key).encode()).digest()
        self._s = list(struct.unpack_from("<4I", digest))

    def _next_word(self) -> int:
        s = self._s
        result = _rotated(s[1] * 5 & _WORD, 7) * 9 & _WORD
        t = s[1] << 9 & _WORD
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = _rotated(s[3], 11)
        return result

    def next(self) -> float:
        """Uniform in [0, 1), 53 bits."""
        return ((self._next_word() >> 5) * 67_108_864 + (self._next_word() >> 6)) / 9_007_199_254_740_992
