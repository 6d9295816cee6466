"""Checkpoints of a stage: adapter, optimizer, random state and progress; safetensors and JSON, never half written."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from loresmith.errors import TrainError
from loresmith.files import read_json, replacing, write_json


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
        for i, state in enumerate(optimizer.state.values()):
            tensors |= {f"optimizer.{i}.{key}": value for key, value in state.items()}
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
        for i, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"]):
            prefix = f"optimizer.{i}."
            state = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            if state:
                optimizer.state[parameter] = {
                    key: value if key == "step" else value.to(parameter.device) for key, value in state.items()
                }
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


def _fill(folder: Path, tensors: Mapping[str, torch.Tensor], progress: Progress) -> None:
    folder.mkdir()
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, folder / "state.safetensors")
    values = asdict(progress)
    write_json(folder / "progress.json", values | {"best_dev": progress.best_dev if progress.dev_losses else None})
