"""AdamW as the other engines have it: the gradient stays as it is, one that is not finite changes nothing."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from .build import read_part
from .ranks import Ranks, local, whole

FILE = "optimizer.safetensors"
_MOMENTS = ("firstMoment", "secondMoment")


class AdamW:
    """Moments of what is trained, each rank those of its part, and the updates so far."""

    def __init__(self, parameters: dict[str, torch.nn.Parameter], ranks: Ranks) -> None:
        self._parameters = parameters
        self._ranks = ranks
        self._first = {name: torch.zeros_like(one) for name, one in parameters.items()}
        self._second = {name: torch.zeros_like(one) for name, one in parameters.items()}
        self._updates = 0

    def _squares(self) -> list[float]:
        """Of every parameter's gradient, over all ranks."""
        own = [local(one.grad).double().square().sum() for one in self._parameters.values()]
        return self._ranks.sum(torch.stack(own)).tolist() if own else []

    def update(self, rule: dict[str, Any], rates: list[float], decays: list[float]) -> tuple[float, list[float]]:
        """Applies the gradient with a rate and a decay for each parameter; its norm, and the squares by parameter."""
        squares = self._squares()
        norm = sum(squares) ** 0.5
        if not torch.isfinite(torch.tensor(norm)):
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

    def save(self, folder: str) -> None:
        """Writes the moments beside a checkpoint, in the form of the embedded engine, whatever the number of ranks."""
        tensors = {}
        for moment, of in zip(_MOMENTS, (self._first, self._second), strict=True):
            for name, tensor in of.items():
                gathered = whole(tensor)
                if self._ranks.rank == 0:
                    tensors[f"{moment}.{name}"] = gathered.cpu().contiguous()
        if self._ranks.rank == 0:
            save_file(tensors, Path(folder) / FILE, {"format": "pt", "updates": json.dumps(self._updates)})

    def load(self, folder: str) -> None:
        """Reads what either engine wrote, each rank its part."""
        with safe_open(Path(folder) / FILE, framework="pt") as stored:
            for moment, of in zip(_MOMENTS, (self._first, self._second), strict=True):
                for name, tensor in of.items():
                    read_part(stored, f"{moment}.{name}", tensor)
            self._updates = int(stored.metadata()["updates"])
