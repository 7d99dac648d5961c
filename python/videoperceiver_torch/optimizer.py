"""AdamW as the other engines have it: the gradient stays as it is, one that is not finite changes nothing."""

import json
import math
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors import safe_open

from .build import read_part
from .ranks import Ranks, local, save_whole

FILE = "optimizer.safetensors"


class AdamW:
    """Moments of what is trained, each rank those of its part, and the updates so far."""

    def __init__(self, parameters: dict[str, torch.nn.Parameter], ranks: Ranks) -> None:
        self._parameters = parameters
        self._ranks = ranks
        self._first, self._second = ({name: torch.zeros_like(p) for name, p in parameters.items()} for _ in range(2))
        self._updates = 0

    def update(self, rule: dict[str, Any], rates: list[float], decays: list[float]) -> tuple[float, list[float]]:
        """Applies the gradient with a rate and a decay for each parameter; its norm, and the squares by parameter."""
        own = [local(one.grad).double().square().sum() for one in self._parameters.values()]
        sums = torch.stack(own) if own else torch.zeros(0)
        if own and self._ranks.count > 1:
            dist.all_reduce(sums)
        squares = sums.tolist()
        norm = sum(squares) ** 0.5
        if not math.isfinite(norm):
            return norm, squares
        self._updates += 1
        limit, beta1, beta2 = rule["maxGradientNorm"], rule["beta1"], rule["beta2"]
        clip = limit / norm if 0 < limit < norm else 1.0
        share = 1 / (1 - beta1**self._updates)
        root = (1 - beta2**self._updates) ** -0.5
        with torch.no_grad():
            for (name, parameter), rate, decay in zip(self._parameters.items(), rates, decays, strict=True):
                weight, clipped = local(parameter), local(parameter.grad) * clip
                first = local(self._first[name]).mul_(beta1).add_(clipped, alpha=1 - beta1)
                second = local(self._second[name]).mul_(beta2).addcmul_(clipped, clipped, value=1 - beta2)
                # Matrices decay, vectors do not; a kernel counts as a matrix.
                weight.mul_(1 - rate * decay if weight.dim() > 1 else 1)
                weight.addcdiv_(first, second.sqrt().mul_(root).add_(rule["epsilon"]), value=-rate * share)
        return norm, squares

    def _moments(self) -> dict[str, torch.Tensor]:
        both = {"firstMoment": self._first, "secondMoment": self._second}
        return {f"{moment}.{name}": one for moment, of in both.items() for name, one in of.items()}

    def save(self, folder: str) -> None:
        """Writes the moments beside a checkpoint, in the form of the embedded engine, whatever the number of ranks."""
        save_whole(Path(folder) / FILE, self._moments(), self._ranks, updates=json.dumps(self._updates))

    def load(self, folder: str) -> None:
        """Reads what either engine wrote, each rank its part."""
        with safe_open(Path(folder) / FILE, framework="pt") as stored:
            for name, tensor in self._moments().items():
                read_part(stored, name, tensor)
            self._updates = int(stored.metadata()["updates"])
