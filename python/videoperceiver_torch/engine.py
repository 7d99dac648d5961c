"""The calls of a controller on a model of this process: passes, gradients, updates, completions, files."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from .batch import MediaCache, Tensors, to_tensors
from .build import empty_model, fill, load_weights, read_tensors
from .errors import EngineError, StalePassError, WeightsError
from .model import BatchModel, Outputs
from .optimizer import AdamW
from .ranks import Ranks, gathered, join_ranks, local, save_whole, shard, whole
from .sampling import sample
from .wire import Map

Check = Callable[[], None]


class _Pass(NamedTuple):
    """What is kept of a pass for its backward; `outputs` None: it is computed again."""

    version: int
    batches: list[Tensors]
    wants: list[dict[str, Any]]
    outputs: list[Outputs] | None
    # Numbers of the log-probabilities and of the states by block, of each batch.
    sizes: list[tuple[int, dict[int, int]]]


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()


def _sent(outputs: Outputs) -> dict[str, Any]:
    sent: dict[str, Any] = {
        "tokenLogprobs": _array(outputs.token_logprobs),
        "states": Map((block, _array(state).reshape(-1)) for block, state in outputs.states.items()),
    }
    if outputs.candidates is not None:
        tokens, logprobs = outputs.candidates
        ids = tokens.cpu().numpy().astype(np.int32).reshape(-1)
        sent["candidates"] = {"tokens": ids, "logprobs": _array(logprobs).reshape(-1)}
    return sent


class TorchEngine:
    """One model, its gradient, its optimizer, and the passes that are outstanding."""

    def __init__(self, order: dict[str, Any]) -> None:
        torch.set_num_threads(order["threads"])
        # Convolutions, the first layer of the tower, would be rounded to TF32 on CUDA unless it is said.
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        self.ranks: Ranks = join_ranks(order)
        self.device = self.ranks.device
        shares = self.ranks.mesh is not None
        model = empty_model(order, torch.device("meta") if shares else self.device)
        self._model = BatchModel(model, order["attention"], order["recompute"])
        if shares:
            shard(self._model, self._model.towers(), self.ranks, order["compute"])
        else:
            model.to(self.device)
        self._parameters = load_weights(order, model)
        self._trained = {name: self._parameters[name] for name in order["trained"]}
        self._config = model.config
        self._optimizer = AdamW(self._trained, self.ranks)
        self.media = MediaCache(order["mediaBytes"])
        self._passes: dict[int, _Pass] = {}
        self._next = 0
        self._reference: dict[str, torch.Tensor] | None = None
        self.version = 0
        self.clear_gradient()

    def do(self, operation: str, given: dict[str, Any], media: dict[str, np.ndarray], check: Check) -> Any:
        """Does one call. `check` raises when nobody waits for it any more."""
        batches = given.get("batches", [])
        patches = self.media.patches(batches, media)
        lowered = [to_tensors(batch, patches, self._config, self.device) for batch in batches]
        calls: dict[str, Callable[[], Any]] = {
            "forward": lambda: self._forward(lowered, given["forward"], given.get("together"), check),
            "backward": lambda: self._backward(given["pass"], given["cotangents"], check),
            "release": lambda: self._passes.pop(given["pass"], None) and None,
            "clearGradient": self.clear_gradient,
            "update": lambda: self._update(given),
            "holdReference": self._hold_reference,
            "sample": lambda: self._sample(lowered[0], batches[0], given["request"], check),
            "inspect": lambda: self._inspect(lowered[0]),
            "read": lambda: self._read(given["name"], given["what"]),
            "saveWeights": lambda: self._save_weights(Path(given["folder"]), given["files"]),
            "saveOptimizer": lambda: self._optimizer.save(given["folder"]),
            "load": lambda: self._load(given),
        }
        if operation not in calls:
            raise EngineError("unknown call", got=operation)
        return calls[operation]()

    def clear_gradient(self) -> None:
        """Sets the gradient to zero; what gets none has zeros, so that every update moves its moments."""
        for parameter in self._trained.values():
            parameter.grad = torch.zeros_like(parameter)

    def _forward(
        self, batches: list[Tensors], options: dict[str, Any], together: list | None, check: Check
    ) -> dict[str, Any]:
        is_reference = options.get("weights") == "reference"
        keep = "nothing" if is_reference else options.get("keep", "nothing")
        candidates = options.get("candidates") or [None] * len(batches)
        wants = [self._wanted(*one) for one in zip(candidates, batches, together or [None] * len(batches), strict=True)]
        if is_reference and self._reference is None:
            raise EngineError("there is no reference", hint="hold one first")
        made: list[Outputs] = []
        with torch.set_grad_enabled(keep == "graph"), ExitStack() as afterwards:
            if is_reference:
                self._swap_reference()
                afterwards.callback(self._swap_reference)
            for batch, want in zip(batches, wants, strict=True):
                check()
                made.append(self._model(BatchModel.run, batch, want))
        check()
        result = {"outputs": [_sent(outputs) for outputs in made], "kept": keep}
        if keep == "nothing":
            return result
        sizes = [(one.token_logprobs.numel(), {at: state.numel() for at, state in one.states.items()}) for one in made]
        kept = made if keep == "graph" else None
        self._passes[self._next] = _Pass(self.version, batches, wants, kept, sizes)
        self._next += 1
        return {"id": self._next - 1, **result}

    def _wanted(self, candidates: dict[str, Any] | None, batch: Tensors, together: Any) -> dict[str, Any]:
        if candidates is None or "top" in candidates:
            return {"together": together, **(candidates or {})}
        tokens = torch.from_numpy(candidates["tokens"].astype(np.int64)).to(self.device)
        return {"together": together, "tokens": tokens.view(len(batch.scored), candidates["perRow"])}

    def _sample(self, batch: Tensors, given: dict[str, Any], request: dict[str, Any], check: Check) -> list:
        with gathered(self._model), torch.no_grad():
            return self._model(sample, batch, given, request, check)

    def _inspect(self, batch: Tensors) -> dict[str, Any]:
        with torch.no_grad():
            outputs = self._model(BatchModel.run, batch, {"inspect": True})
        shown = {"logits": outputs.logits, "visualTokens": outputs.visual}
        return _sent(outputs) | {name: _array(one).reshape(-1) for name, one in shown.items() if one is not None}

    def _backward(self, number: int, cotangents: list[dict[str, Any]], check: Check) -> None:
        kept = self._passes.get(number)
        if kept is None:
            raise EngineError("backward of a pass that keeps nothing", got="a pass that was consumed")
        del self._passes[number]
        if kept.version != self.version:
            said = {"expected": f"weights of version {self.version}", "got": f"a pass of version {kept.version}"}
            raise StalePassError("backward of a pass whose weights have been updated", **said, hint="compute it again")
        for given, batch, want, sizes in zip(cotangents, kept.batches, kept.wants, kept.sizes, strict=True):
            check()
            self._check_sizes(given, *sizes)
            # Taken out: what its graph holds is of no more use afterwards.
            outputs = kept.outputs.pop(0) if kept.outputs is not None else self._model(BatchModel.run, batch, want)
            self._pull_back(outputs, given)

    def _check_sizes(self, given: dict[str, Any], scored: int, states: dict[int, int]) -> None:
        logprobs = given.get("tokenLogprobs")
        pairs = [] if logprobs is None else [("log-probabilities", logprobs.size, scored)]
        pairs += [(f"block {block}", state.size, states.get(block)) for block, state in given["states"].items()]
        for where, got, expected in pairs:
            if expected is None:
                raise EngineError("cotangent of a state that is not tapped", where=where)
            if got != expected:
                raise EngineError("size of a cotangent", where=where, expected=f"{expected} numbers", got=str(got))

    def _pull_back(self, outputs: Outputs, given: dict[str, Any]) -> None:
        """Every output takes part, those without a cotangent with zeros: ranks run equally many collectives."""
        pairs = [(outputs.token_logprobs, given.get("tokenLogprobs"))]
        pairs += [(state, given["states"].get(block)) for block, state in outputs.states.items()]
        pairs += [] if outputs.idle is None else [(outputs.idle, None)]
        reached = [(tensor, numbers) for tensor, numbers in pairs if tensor.requires_grad]
        if not reached:
            return
        gradients = [
            torch.zeros_like(tensor) if numbers is None else torch.from_numpy(numbers.copy()).to(tensor).view_as(tensor)
            for tensor, numbers in reached
        ]
        torch.autograd.backward([tensor for tensor, _ in reached], gradients)

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        norm, squares = self._optimizer.update(given["rule"], given["rates"], given["decays"])
        if np.isfinite(norm):
            self.version += 1
        # JSON has no NaN: the controller takes what is missing for it.
        said = norm if np.isfinite(norm) else None
        return {"norm": said, "squares": np.array(squares, np.float32), "version": self.version}

    def _hold_reference(self) -> None:
        self._reference = {name: local(one).clone() for name, one in self._trained.items()}

    def _swap_reference(self) -> None:
        """Puts the reference's numbers in the place of the trained ones, or back."""
        for name, parameter in self._trained.items():
            own, kept = local(parameter), self._reference[name]
            other = own.clone()
            own.copy_(kept)
            kept.copy_(other)

    def _read(self, name: str, what: str) -> np.ndarray:
        parameter = self._parameters.get(name)
        if parameter is None:
            raise WeightsError("no such tensor in this model", where=name)
        if what == "gradient" and name not in self._trained:
            raise EngineError("gradient of what is not trained", where=name)
        return _array(whole(parameter if what == "value" else parameter.grad)).reshape(-1).copy()

    def _save_weights(self, folder: Path, files: list[dict[str, Any]]) -> None:
        for file in files:
            save_whole(folder / file["name"], {name: self._parameters[name] for name in file["tensors"]}, self.ranks)

    def _load(self, given: dict[str, Any]) -> None:
        with torch.no_grad():
            read_tensors(given["tensors"], self._parameters)
            for name, numbers in given["numbers"].items():
                fill(self._parameters[name], numbers)
            if given.get("optimizer"):
                self._optimizer.load(given["folder"])
        self.version += 1
