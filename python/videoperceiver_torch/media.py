"""Pictures: patches by content up to a number of bytes, and their normalisation."""

from collections.abc import Iterable
from typing import Any

import numpy as np

# Mean and deviation of Qwen2.5-VL's image processor, as in `src/frames/patch-bytes.ts`.
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073])
_STD = np.array([0.26862954, 0.26130258, 0.27577711])
_TABLE = ((np.arange(256) / 255 - _MEAN[:, None]) / _STD[:, None]).astype(np.float32)


def normalized(patches: np.ndarray, channels: int, per_row: int) -> np.ndarray:
    """Patch rows [P, per_row] as float32; levels are turned into (level / 255 - mean) / deviation of their channel."""
    if patches.dtype != np.uint8:
        return patches.reshape(-1, per_row)
    levels = patches.reshape(-1, channels, per_row // channels)
    return _TABLE[np.arange(channels)[None, :, None], levels].reshape(-1, per_row)


class MediaCache:
    """Patches by content; what was used longest ago is forgotten first and asked for again."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._patches: dict[str, np.ndarray] = {}
        self._bytes = 0

    def missing(self, batches: list[dict[str, Any]], given: dict[str, np.ndarray]) -> list[str]:
        """When contents of batches are neither here nor given: all that are not here, for one answer with them all."""
        wanted = dict.fromkeys(step["content"] for batch in batches for step in batch["media"])
        absent = [content for content in wanted if content not in self._patches]
        return [] if all(content in given for content in absent) else absent

    def patches(self, contents: Iterable[str], given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Patches of contents, which stay theirs whatever is forgotten later."""
        return {content: given[content] if content in given else self._used(content) for content in contents}

    def keep(self, given: dict[str, np.ndarray]) -> None:
        """Keeps what was given, as long as there is room."""
        for content, patches in given.items():
            if content in self._patches:
                continue
            # A copy: the array is a view of a message that holds more.
            self._patches[content] = patches.copy()
            self._bytes += patches.nbytes
        while self._bytes > self._limit:
            oldest = next(iter(self._patches))
            self._bytes -= self._patches.pop(oldest).nbytes

    def _used(self, content: str) -> np.ndarray:
        patches = self._patches.pop(content)
        self._patches[content] = patches
        return patches
