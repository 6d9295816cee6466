"""The callback by which a trainer of TRL reports as every other stage does."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from loresmith.errors import TrainError

if TYPE_CHECKING:
    from loresmith_plugins.training.trl_stage import TrlStage

NOT_OURS = re.compile(r"epoch|num_tokens|loss|learning_rate|runtime|.*_per_second|model_preparation_time")
"""Figures of the trainer that our events have under another name, or that tell about the clock."""


class Watch(TrainerCallback):
    """Writes events, and by looks at the held-out rows keeps the best weights and stops early."""

    def __init__(self, stage: TrlStage, trainer: Any) -> None:
        self._stage, self._trainer = stage, trainer

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Start the clock, from where a resumed stage stopped it, and choose the steps to look after."""
        progress, options = self._stage.progress, self._stage.options
        self._started = time.perf_counter()
        self._seconds, self._tokens = progress.seconds, progress.tokens
        looks = max(1, round(options.epochs * options.evaluations))
        self._looks = {max(1, round(state.max_steps * (i + 1) / looks)) for i in range(looks)}

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for an event, for a look where one is due, and for a checkpoint."""
        progress, now = self._stage.progress, time.perf_counter()
        progress.step, progress.seconds = state.global_step, self._seconds + now - self._started
        control.should_log = True
        control.should_evaluate = state.global_step in self._looks and self._trainer.eval_dataset is not None
        # Whether one is due is asked when step and look are done.
        control.should_save = True

    def on_log(self, _args: Any, state: Any, _control: Any, logs: Mapping[str, Any], **_: Any) -> None:
        """Write the event of a step."""
        if "loss" not in logs:
            return
        progress = self._stage.progress
        progress.tokens, progress.train_loss = self._tokens + int(logs.get("num_tokens", 0)), logs["loss"]
        self._stage.context.event({
            "event": "step", "step": progress.step, "steps": state.max_steps, "loss": progress.train_loss,
            "learning_rate": logs["learning_rate"], "tokens": progress.tokens, "seconds": progress.seconds,
            **self._figures(logs),
        })  # fmt: skip

    def on_evaluate(self, _args: Any, _state: Any, control: Any, metrics: Mapping[str, Any], **_: Any) -> None:
        """Write the event of a look, keep the weights if they are the best, and stop without patience."""
        progress, dev = self._stage.progress, float(metrics[self._stage.dev_figure])
        if not math.isfinite(dev):
            raise TrainError(
                f"the loss on the held-out rows is {dev} after step {progress.step}",
                "Lower learning_rate, or look at the held-out rows. The checkpoint before it is kept.",
            )
        progress.dev_losses.append((progress.step, dev))
        progress.looks_without_better += 1
        if dev < progress.best_dev:
            progress.best_dev, progress.best_step, progress.looks_without_better = dev, progress.step, 0
            self._stage.best.save_best(progress.step, self._stage.weights)
        self._stage.context.event({
            "event": "dev", "step": progress.step, "loss": dev, "best": progress.best_step,
            **self._figures({name.removeprefix("eval_"): value for name, value in metrics.items()}),
        })  # fmt: skip
        control.should_training_stop = control.should_training_stop or self._stage.out_of_patience

    def _figures(self, logs: Mapping[str, Any]) -> dict[str, float]:
        """Return the trainer's own figures (rewards, margins, KL ...), without those that were not computed."""
        left_out = self._stage.left_out
        numbers = {name: float(value) for name, value in logs.items() if isinstance(value, int | float)}
        return {
            name: value
            for name, value in numbers.items()
            if math.isfinite(value) and not NOT_OURS.fullmatch(name) and name not in left_out
        }
