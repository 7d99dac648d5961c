"""A model of transformers out of what the controller says: its configuration, where its tensors are, its adapter."""

import os
from typing import Any

import numpy as np
import torch
from accelerate import init_empty_weights
from peft import LoraConfig, inject_adapter_in_model
from safetensors import safe_open
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText

from .errors import WeightsError

_LORA = "default"


def module_name(hub: str) -> str:
    """What transformers 5 calls the part of a model that the hub's files call so."""
    if hub.startswith("visual."):
        return f"model.{hub}"
    return hub.replace("model.", "model.language_model.", 1) if hub.startswith("model.") else hub


def hub_name(own: str) -> str:
    """The name in a checkpoint of a parameter of the model, under an adapter too."""
    plain = own.replace(".base_layer.", ".").replace(f".{_LORA}.", ".")
    return plain.removeprefix("model.").replace("language_model.", "model.", 1) if _inner(plain) else plain


def _inner(own: str) -> bool:
    return own.startswith(("model.visual.", "model.language_model."))


def _empty_model(config: dict[str, Any], pad: int | None, device: torch.device) -> nn.Module:
    described = AutoConfig.for_model(**config)
    with init_empty_weights(include_buffers=False):
        model = AutoModelForImageTextToText.from_config(described, dtype=torch.float32)
    # The padding token's embedding is not trained; which token that is, the controller says.
    model.get_input_embeddings().padding_idx = pad
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            empty = torch.empty(parameter.shape, dtype=torch.float32, device=device)
            setattr(module, name, nn.Parameter(empty, requires_grad=False))
    model.tie_weights()
    return model.to(device).eval()


def _add_adapter(model: nn.Module, modules: list[dict[str, Any]]) -> None:
    names = [module_name(module["name"]) for module in modules]
    ranks = {name: module["rank"] for name, module in zip(names, modules, strict=True)}
    described = LoraConfig(
        r=modules[0]["rank"],
        target_modules=names,
        rank_pattern={f"^{name.replace('.', chr(92) + '.')}$": rank for name, rank in ranks.items()},
        lora_dropout=0.0,
    )
    inject_adapter_in_model(described, model, adapter_name=_LORA)
    for name, module in zip(names, modules, strict=True):
        layer = model.get_submodule(name)
        if layer.r[_LORA] != module["rank"]:
            raise WeightsError("rank of an adapter", where=name, expected=str(module["rank"]), got=str(layer.r))
        layer.scaling[_LORA] = module["scale"]


def read_tensors(places: list[dict[str, str]], into: dict[str, torch.Tensor]) -> None:
    """Fills tensors from safetensors files: `name` of the tensor, `file`, and what it is called there."""
    by_file: dict[str, list[dict[str, str]]] = {}
    for place in places:
        by_file.setdefault(place["file"], []).append(place)
    for file, here in by_file.items():
        with safe_open(file, framework="pt") as stored, torch.no_grad():
            for place in here:
                into[place["name"]].copy_(stored.get_tensor(place["stored"]).view_as(into[place["name"]]))


def fill(tensor: torch.Tensor, numbers: np.ndarray) -> None:
    """Copies numbers that were sent into a tensor."""
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(numbers.copy()).view_as(tensor))


def build_model(order: dict[str, Any], device: torch.device) -> tuple[nn.Module, dict[str, nn.Parameter]]:
    """The model with its weights and adapter, and its parameters by their names in a checkpoint."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    model = _empty_model(order["config"], order.get("pad"), device)
    adapter = order.get("adapter")
    if adapter is not None:
        _add_adapter(model, adapter["modules"])
    model.requires_grad_(False)
    parameters = {hub_name(name): parameter for name, parameter in model.named_parameters()}
    places = order["tensors"]
    wanted = {place["name"] for place in places} | set(adapter["tensors"] if adapter else ())
    if wanted != set(parameters):
        strange = sorted(wanted.symmetric_difference(parameters))
        raise WeightsError(
            "transformers has other parameters than the checkpoint",
            got=f"{len(strange)}, e.g. {strange[0]}",
            hint="install the pinned versions: videoperceiver engine install torch",
        )
    read_tensors(places, parameters)
    if adapter is not None:
        for name, numbers in adapter["tensors"].items():
            fill(parameters[name], numbers)
    for name in order["trained"]:
        parameters[name].requires_grad_(True)
    return model, parameters
