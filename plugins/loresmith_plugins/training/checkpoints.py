"""Checkpoints of a stage: weights, optimizer, random state and progress; safetensors and JSON, never half written."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from loresmith.errors import TrainError
from loresmith.files import folder_hash, read_json, replacing, write_json
from loresmith.options import Options
from loresmith.runs.hashes import base_hash
from loresmith.specs import StageContext
from loresmith.values import content_hash


@dataclass(slots=True)
class Progress:
    """How far a stage is. Losses are nats per trained token."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best_step: int = 0
    best_dev: float = float("inf")
    looks_without_better: int = 0
    train_loss: float = 0.0
    dev_losses: list[tuple[int, float]] = field(default_factory=list)
    fingerprint: str = ""


class Checkpoints:
    """The last and the best state of a stage in its folder.

    Args:
        folder: The stage's folder.
        fingerprint: Hash of all that shapes the training; a checkpoint of another one is not taken up.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._last, self._best = folder / "checkpoint", folder / "best.safetensors"
        self._fingerprint = fingerprint

    def save(self, progress: Progress, weights: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer) -> None:
        """Keep the present state in place of the last.

        Raises:
            TrainError: If it cannot be written; the last one is still there.
        """
        progress.fingerprint = self._fingerprint
        tensors = {f"weight.{name}": tensor for name, tensor in weights.items()}
        for i, parameter in enumerate(_parameters(optimizer)):
            state = optimizer.state.get(parameter, {})
            tensors |= {f"optimizer.{i}.{key}": torch.as_tensor(value) for key, value in state.items()}
        tensors["random"] = torch.get_rng_state()
        what = f"the checkpoint of step {progress.step}"
        write_whole(self._last, what, lambda folder: _fill(folder, tensors, progress))

    def load(self, weights: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer) -> Progress | None:
        """Take up the last state, in place; None if there is none of this training."""
        if not (self._last / "progress.json").is_file():
            return None
        saved = read_json(self._last / "progress.json")
        if saved["fingerprint"] != self._fingerprint:
            return None
        tensors = load_file(self._last / "state.safetensors")
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(tensors[f"weight.{name}"])
        for i, parameter in enumerate(_parameters(optimizer)):
            prefix = f"optimizer.{i}."
            state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            if state:
                optimizer.state[parameter] = {key: _restored(key, value, parameter) for key, value in state.items()}
        torch.set_rng_state(tensors["random"])
        saved["dev_losses"] = [(int(step), float(loss)) for step, loss in saved["dev_losses"]]
        saved["best_dev"] = float("inf") if saved["best_dev"] is None else saved["best_dev"]
        return Progress(**saved)

    def save_best(self, step: int, weights: Mapping[str, torch.Tensor]) -> None:
        """Keep the weights with the lowest dev loss so far; raises as `save`."""
        tensors = {name: weight.detach().contiguous() for name, weight in weights.items()}
        write_whole(self._best, f"the checkpoint of step {step}", lambda path: save_file(tensors, path))

    def load_best(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take up the best weights, in place."""
        best = load_file(self._best)
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(best[name])


def fingerprint(context: StageContext, options: Options, data: Any) -> str:
    """Return the hash of what shapes a training: options, seed, base, the adapter it starts from, and its data.

    Args:
        context: The stage.
        options: Those of the method; how often checkpoints are made shapes nothing.
        data: What is learnt, JSON-able, in the order it is learnt in.
    """
    settings = [options.model_dump(exclude={"checkpoint_seconds"}), context.seed, data]
    start = folder_hash(context.adapter) if context.adapter else ""
    return content_hash(json.dumps(settings, sort_keys=True), base_hash(context.base), start)


def write_whole(path: Path, what: str, fill: Callable[[Path], Any]) -> None:
    """Let `fill` write a file or a folder, which then takes the place of `path` at once.

    Raises:
        TrainError: If it cannot be written; what stood there is still there.
    """
    try:
        with replacing(path) as temporary:
            fill(temporary)
    # safetensors reports a full disk as an error of its own, with the reason in the text.
    except Exception as error:
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        reason = "the disk is full" if full else str(error)
        raise TrainError(
            f'{what} cannot be written to "{path.parent}": {reason}',
            "The checkpoint before it is kept. Make room, then go on with `loresmith build --resume`.",
        ) from error


def _parameters(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _each_its_own(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copy what stands there twice: an optimizer may give all its weights the same table, which safetensors refuses."""
    seen: set[int] = set()
    own = {}
    for name, tensor in tensors.items():
        own[name] = tensor.clone() if tensor.data_ptr() in seen else tensor
        seen.add(tensor.data_ptr())
    return own


def _restored(key: str, value: torch.Tensor, parameter: torch.Tensor) -> Any:
    """Return a piece of an optimizer's state as it was: torch counts steps in a tensor on the CPU, others in an int."""
    if key != "step":
        return value.to(parameter.device)
    return value if value.is_floating_point() else int(value)


def _fill(folder: Path, tensors: Mapping[str, torch.Tensor], progress: Progress) -> None:
    folder.mkdir()
    plain = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    save_file(_each_its_own(plain), folder / "state.safetensors")
    values = asdict(progress)
    write_json(folder / "progress.json", values | {"best_dev": progress.best_dev if progress.dev_losses else None})
