"""The loop that moves weights: steps, rate, clipping, looks, checkpoints, and every way to stop.

Optimizer: AdamW (Loshchilov and Hutter, 2017, arXiv:1711.05101); the learning rate rises, then falls on a cosine. What
is learnt comes from an `Objective`: supervised fine-tuning is one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from loresmith.errors import Interrupted, TrainError
from loresmith.specs import StageContext
from loresmith_plugins.training.adapters import trainable
from loresmith_plugins.training.checkpoints import Checkpoints, Progress
from loresmith_plugins.training.memory import memory_named
from loresmith_plugins.training.optimizers import optimizer_of
from loresmith_plugins.training.options import LoopOptions


class Part(Protocol):
    """What of a step is computed at once."""

    @property
    def weight(self) -> int:
        """By what the summed loss is divided: its trained tokens, or its rows. A step divides by that of all parts."""

    @property
    def tokens(self) -> int:
        """Tokens read, without padding."""

    @property
    def rows(self) -> int:
        """Rows computed at once."""

    @property
    def longest(self) -> int:
        """Tokens of the longest row."""

    @property
    def places(self) -> Sequence[str]:
        """Where its rows come from, for messages."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at held-out data finds: the loss, by which the best weights are kept, and other figures."""

    loss: float
    figures: Mapping[str, Any] = field(default_factory=dict)


class Objective(Protocol):
    """What a loop trains for."""

    @property
    def steps(self) -> int:
        """How many steps there are."""

    @property
    def looks(self) -> frozenset[int]:
        """Steps, counted from 1, after which to look at the held-out data; the last step is one of them."""

    def parts(self, step: int) -> Sequence[Any]:
        """Return the parts of a step, counted from 0. They hang on the seed, the step and the weights alone."""

    def loss(self, part: Any) -> torch.Tensor:
        """Return the loss of a part, a scalar: summed, not yet divided by the weight."""

    def look(self) -> Look:
        """Measure the held-out data; the model is in evaluation mode and no gradient is taken."""

    def figures(self) -> Mapping[str, Any]:
        """Return more of the step just made for its event; JSON-able."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a loop ended; the model has its best weights."""

    progress: Progress
    stopped_early: bool


class Loop:
    """Trains a model to the end of an objective, from the last checkpoint on if the context says so.

    Args:
        model: What trains, as `adapters.with_adapter` gives it.
        objective: What it trains for.
        options: How.
        context: The stage.
        fingerprint: Hash of all that shapes the training; a checkpoint of another one is not taken up.
    """

    def __init__(
        self, model: Any, objective: Objective, options: LoopOptions, context: StageContext, fingerprint: str
    ) -> None:
        self.model, self.objective, self.options, self.context = model, objective, options, context
        self.weights = trainable(model)
        self.optimizer = optimizer_of(model, self.weights, options)
        self.checkpoints = Checkpoints(context.folder, fingerprint)
        self.progress = Progress()

    def run(self) -> Ended:
        """Make the steps.

        Raises:
            TrainError: If a loss is not finite, if memory runs out, or if a checkpoint cannot be written.
            Interrupted: If the user asked to stop; a checkpoint is kept.
        """
        if self.context.resume:
            self.progress = self.checkpoints.load(self.weights, self.optimizer) or self.progress
        self.model.train()
        started = saved = time.perf_counter()
        before = self.progress.seconds
        stopped_early = self._out_of_patience()
        while self.progress.step < self.objective.steps and not stopped_early:
            self._step()
            self.progress.seconds = before + time.perf_counter() - started
            if self.progress.step in self.objective.looks:
                self._look()
                stopped_early = self._out_of_patience()
            if self.context.stopping():
                self.checkpoints.save(self.progress, self.weights, self.optimizer)
                raise Interrupted(
                    f"training stopped at step {self.progress.step}; its checkpoint is kept",
                    "Go on with `loresmith build --resume`.",
                )
            if time.perf_counter() - saved > self.options.checkpoint_seconds:
                self.checkpoints.save(self.progress, self.weights, self.optimizer)
                saved = time.perf_counter()
        self.checkpoints.load_best(self.weights)
        return Ended(self.progress, stopped_early)

    def _step(self) -> None:
        progress, rate = self.progress, self._rate(self.progress.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        parts = self.objective.parts(progress.step)
        whole = max(1, sum(part.weight for part in parts))
        loss = sum(self._backward(part, whole) for part in parts)
        torch.nn.utils.clip_grad_norm_(list(self.weights.values()), self.options.max_grad_norm)
        with memory_named(f"step {progress.step + 1}", parts):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        progress.step += 1
        progress.tokens += sum(part.tokens for part in parts)
        progress.train_loss = loss
        self.context.event({
            "event": "step", "step": progress.step, "steps": self.objective.steps, "loss": loss,
            "learning_rate": rate, "tokens": progress.tokens, "seconds": progress.seconds, **self.objective.figures(),
        })  # fmt: skip

    def _backward(self, part: Part, whole: int) -> float:
        """Add the gradient of a part to that of its step; return its share of the step's loss."""
        step = self.progress.step + 1
        with memory_named(f"step {step}", [part]):
            loss = self.objective.loss(part) / whole
            if not torch.isfinite(loss):
                raise TrainError(
                    f"the loss is {loss.item()} at step {step}, on the batch: {', '.join(part.places)}",
                    "Lower learning_rate, or look at these examples. The weights before this step are kept.",
                )
            loss.backward()
        return loss.item()

    def _rate(self, step: int) -> float:
        total = self.objective.steps
        warmup = round(total * self.options.warmup)
        if step < warmup:
            return self.options.learning_rate * (step + 1) / warmup
        return self.options.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))

    @torch.no_grad()
    def _look(self) -> None:
        """Measure the held-out data and keep the weights if their loss is the lowest so far."""
        progress = self.progress
        self.model.eval()
        with memory_named(f"the look after step {progress.step}", []):
            look = self.objective.look()
        self.model.train()
        if not math.isfinite(look.loss):
            raise TrainError(
                f"the loss on the dev split is {look.loss} after step {progress.step}",
                "Lower learning_rate, or look at the dev examples. The checkpoint before it is kept.",
            )
        progress.dev_losses.append((progress.step, look.loss))
        progress.looks_without_better += 1
        if look.loss < progress.best_dev:
            progress.best_dev, progress.best_step, progress.looks_without_better = look.loss, progress.step, 0
            self.checkpoints.save_best(progress.step, self.weights)
        best = progress.best_step
        self.context.event({"event": "dev", "step": progress.step, "loss": look.loss, "best": best, **look.figures})

    def _out_of_patience(self) -> bool:
        return self.progress.looks_without_better >= self.options.patience
