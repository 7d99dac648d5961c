"""The processes that compute together: who this one is among them, and weights that they share out (FSDP2)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from .errors import EngineError


class Ranks(NamedTuple):
    """One process among all that compute."""

    rank: int
    count: int
    device: torch.device
    # None: this process alone has all weights, as plain tensors.
    mesh: DeviceMesh | None


def join_ranks(order: dict[str, Any]) -> Ranks:
    """Joins the group that the launcher's environment describes; alone where there is none."""
    said = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}
    rank, count, place = (int(os.environ.get(name, alone)) for name, alone in said.items())
    on_gpu = torch.cuda.is_available()
    if on_gpu and place >= (gpus := torch.cuda.device_count()):
        hint = "choose fewer --ranks, or CUDA_VISIBLE_DEVICES= for none"
        raise EngineError("more ranks than GPUs on a machine", expected="a GPU for each", got=str(gpus), hint=hint)
    device = torch.device("cuda", place) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    if count == 1 and order["compute"] == "float32":
        return Ranks(rank, count, device, None)
    # A collective that the others do not reach in time is an error, not a hang.
    limit = timedelta(seconds=order["collectiveSeconds"])
    alone = {"store": dist.HashStore(), "rank": 0, "world_size": 1} if count == 1 else {}
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=limit, **alone)
    return Ranks(rank, count, device, init_device_mesh(device.type, (count,)))


def shard(root: nn.Module, towers: list[list[nn.Module]], ranks: Ranks, compute: str) -> None:
    """Shares the weights of a model on the device `meta` out over the ranks, and gives them room on the own device.

    Masters, gradients and their sums are float32 whatever computes. Gradients are summed over ranks, not averaged: the
    controller's loss is one over all of them.
    """
    computed = None if compute == "float32" else getattr(torch, compute)
    policy = MixedPrecisionPolicy(param_dtype=computed, reduce_dtype=torch.float32, cast_forward_inputs=False)
    # The root too gives its weights back after a forward: the next one must see what an update made of them.
    settings = {"mesh": ranks.mesh, "mp_policy": policy, "reshard_after_forward": True}
    for tower in towers:
        for i, block in enumerate(tower):
            part = fully_shard(block, **settings)
            # Named, since the order of past forwards (roll-outs differ in length) must not decide what is gathered.
            part.set_modules_to_backward_prefetch([tower[max(0, i - 1)]])
    fully_shard(root, **settings).set_modules_to_backward_prefetch([root])
    for part in _parts(root):
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)
    kept = {name: buffer.clone() for name, buffer in root.named_buffers()}
    root.to_empty(device=ranks.device)
    for name, buffer in root.named_buffers():
        buffer.copy_(kept[name])


def _parts(root: nn.Module) -> list[FSDPModule]:
    return [module for module in root.modules() if isinstance(module, FSDPModule)]


@contextmanager
def gathered(root: nn.Module) -> Iterator[None]:
    """All weights whole meanwhile: no rank waits for another one, however much each has to do."""
    parts = _parts(root)
    for part in parts:
        part.unshard()
        part.set_reshard_after_forward(False, recurse=False)
    try:
        yield
    finally:
        for part in parts:
            part.set_reshard_after_forward(True, recurse=False)
            part.reshard()


def local(tensor: torch.Tensor) -> torch.Tensor:
    """The own part of a tensor, its very memory; changes of it are not noticed by passes that are outstanding."""
    return (tensor.to_local() if isinstance(tensor, DTensor) else tensor).data


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """All of a tensor; every rank has to ask."""
    return tensor.detach().full_tensor() if isinstance(tensor, DTensor) else tensor.detach()


def save_whole(file: Path, parts: dict[str, torch.Tensor], ranks: Ranks, **facts: str) -> None:
    """Writes tensors that all ranks share into one file, as float32; every rank has to ask."""
    tensors = {}
    for name, part in parts.items():
        gathered_whole = whole(part)
        if ranks.rank == 0:
            tensors[name] = gathered_whole.float().cpu().contiguous()
    if ranks.rank == 0:
        save_file(tensors, file, {"format": "pt", **facts})


def own_rows(tensor: torch.Tensor) -> slice:
    """Rows of the first axis that this rank has."""
    rows = tensor.shape[0]
    if not isinstance(tensor, DTensor):
        return slice(0, rows)
    each = -(-rows // tensor.device_mesh.size())
    start = min(rows, tensor.device_mesh.get_local_rank() * each)
    return slice(start, min(rows, start + each))
