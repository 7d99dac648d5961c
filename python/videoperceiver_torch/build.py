"""A model of transformers out of what the controller says: its configuration, where its tensors are, its adapter."""

import re
from typing import Any

import numpy as np
import torch
from accelerate import init_empty_weights
from peft import LoraConfig, inject_adapter_in_model
from safetensors import safe_open
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText

from .errors import WeightsError
from .ranks import local, own_rows

_LORA = "default"


def module_name(hub: str) -> str:
    """What transformers 5 calls the part of a model that the hub's files call so."""
    if hub.startswith("visual."):
        return f"model.{hub}"
    return hub.replace("model.", "model.language_model.", 1) if hub.startswith("model.") else hub


def hub_name(own: str) -> str:
    """The name in a checkpoint of a parameter of the model, under an adapter too."""
    plain = own.replace(".base_layer.", ".").replace(f".{_LORA}.", ".")
    is_inner = plain.startswith(("model.visual.", "model.language_model."))
    return plain.removeprefix("model.").replace("language_model.", "model.", 1) if is_inner else plain


def _add_adapter(model: nn.Module, modules: list[dict[str, Any]]) -> None:
    named = {module_name(module["name"]): module for module in modules}
    ranks = {f"^{re.escape(name)}$": module["rank"] for name, module in named.items()}
    described = LoraConfig(r=modules[0]["rank"], target_modules=[*named], rank_pattern=ranks, lora_dropout=0.0)
    inject_adapter_in_model(described, model, adapter_name=_LORA)
    for name, module in named.items():
        layer = model.get_submodule(name)
        if layer.r[_LORA] != module["rank"]:
            raise WeightsError("rank of an adapter", where=name, expected=str(module["rank"]), got=str(layer.r))
        layer.scaling[_LORA] = module["scale"]


def read_part(stored: Any, name: str, into: torch.Tensor) -> None:
    """Fills this rank's part of a tensor out of an open file."""
    rows, tensor = own_rows(into), stored.get_slice(name)
    if rows.start < rows.stop:
        is_same = list(tensor.get_shape()) == list(into.shape)
        local(into).copy_(tensor[rows] if is_same else stored.get_tensor(name).view(into.shape)[rows])


def read_tensors(places: list[dict[str, str]], into: dict[str, torch.Tensor]) -> None:
    """Fills tensors from safetensors files: `name` of the tensor, `file`, and what it is called there."""
    for file in dict.fromkeys(place["file"] for place in places):
        with safe_open(file, framework="pt") as stored:
            for place in places:
                if place["file"] == file:
                    read_part(stored, place["stored"], into[place["name"]])


def fill(tensor: torch.Tensor, numbers: np.ndarray) -> None:
    """Copies numbers that were sent into a tensor, each rank its part."""
    local(tensor).copy_(torch.from_numpy(numbers.copy()).view(tensor.shape)[own_rows(tensor)])


def empty_model(order: dict[str, Any], device: torch.device) -> nn.Module:
    """The model with its adapter, and room for its weights: float32 where they are trained, else what computes."""
    with init_empty_weights(include_buffers=False):
        described = AutoConfig.for_model(**order["config"])
        model = AutoModelForImageTextToText.from_config(described, dtype=torch.float32).eval()
    # The padding token's embedding is not trained; which token that is, the controller says.
    model.get_input_embeddings().padding_idx = order.get("pad")
    model.tie_weights()
    if order.get("adapter") is not None:
        _add_adapter(model, order["adapter"]["modules"])
    trained, frozen = set(order["trained"]), getattr(torch, order["compute"])
    # Matrices that are tied stay one.
    made: dict[nn.Parameter, nn.Parameter] = {}
    for name, old in list(model.named_parameters(remove_duplicate=False)):
        if old not in made:
            is_trained = hub_name(name) in trained
            room = torch.empty(old.shape, dtype=torch.float32 if is_trained else frozen, device=device)
            made[old] = nn.Parameter(room, requires_grad=is_trained)
        owner, _, own = name.rpartition(".")
        setattr(model.get_submodule(owner), own, made[old])
    return model


def load_weights(order: dict[str, Any], model: nn.Module) -> dict[str, nn.Parameter]:
    """Reads a model's weights and adapter; its parameters by their names in a checkpoint."""
    parameters = {hub_name(name): parameter for name, parameter in model.named_parameters()}
    places, adapter = order["tensors"], order.get("adapter")
    wanted = {place["name"] for place in places} | set(adapter["tensors"] if adapter else ())
    if wanted != set(parameters):
        strange = sorted(wanted.symmetric_difference(parameters))
        hint = "install the pinned versions: videoperceiver engine install torch"
        got = f"{len(strange)}, e.g. {strange[0]}"
        raise WeightsError("transformers has other parameters than the checkpoint", got=got, hint=hint)
    read_tensors(places, parameters)
    for name, numbers in (adapter["tensors"] if adapter else {}).items():
        fill(parameters[name], numbers)
    return parameters
