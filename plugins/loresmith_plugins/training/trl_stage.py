"""What a stage on a trainer of TRL needs, so that it behaves as every other stage does.

How to use it:

    class _Dpo(OnStage, DPOTrainer): ...                          # OnStage first

    stage = TrlStage(options, context, fingerprint(context, options, rows))
    with failures_named(options):
        with as_given(model):                                     # TRL changes a model that it is handed
            trainer = _Dpo(model, args=stage.settings(DPOConfig, beta=0.1), train_dataset=..., processing_class=...)
        stage.run(trainer, trainable(model), batches)             # raises TrainError, Interrupted
    return left_behind(stage, model, compared, details)           # of `outcome`: writes the adapter or the model

After `run` the model holds the best weights by the dev figure, or the last ones where nothing was held out. `batches`
are the rows of every step, in order, as positions in the trainer's train_dataset; without them the trainer draws its
own, by its own settings (then pass `max_steps` to `settings`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader
from transformers import PrinterCallback

from loresmith.errors import Interrupted, TrainError
from loresmith.files import read_json, write_json
from loresmith.specs import StageContext
from loresmith_plugins.engines.transformers.load import best_device, old_names_allowed
from loresmith_plugins.training.checkpoints import Checkpoints, Progress, write_whole
from loresmith_plugins.training.memory import memory_named
from loresmith_plugins.training.optimizers import optimizer_of
from loresmith_plugins.training.options import LoopOptions
from loresmith_plugins.training.trl_watch import Watch


class TrlStage:
    """One stage on a TRL trainer: its settings, and its run from the last checkpoint to the best weights.

    Args:
        options: How weights are moved.
        context: What the stage is built from.
        fingerprint: Hash of all that shapes the training; a checkpoint of another one is not taken up.
        dev_figure: The figure of a look at the held-out rows that decides which weights are the best; the lowest is.
        left_out: Figures of the trainer that are not computed, and so not reported.
    """

    def __init__(
        self,
        options: LoopOptions,
        context: StageContext,
        fingerprint: str,
        *,
        dev_figure: str = "eval_loss",
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        self.options, self.context, self.fingerprint = options, context, fingerprint
        self.dev_figure, self.left_out = dev_figure, left_out
        self.checkpoint = context.folder / "checkpoint"
        self.best = Checkpoints(context.folder, fingerprint)
        self.progress = Progress()
        self.weights: Mapping[str, torch.Tensor] = {}
        self.batches: Sequence[Sequence[int]] | None = None

    def settings(self, config: Callable[..., Any], **more: Any) -> Any:
        """Return the trainer's configuration: our options by its names, nothing printed, nothing sent anywhere."""
        options = self.options
        ours = {
            "output_dir": str(self.context.folder), "seed": self.context.seed, "data_seed": self.context.seed,
            "learning_rate": options.learning_rate, "max_grad_norm": options.max_grad_norm,
            "num_train_epochs": options.epochs,
            "per_device_train_batch_size": options.batch, "per_device_eval_batch_size": options.batch,
            "gradient_accumulation_steps": options.accumulation,
            "gradient_checkpointing": options.gradient_checkpointing,
            "gradient_checkpointing_kwargs": {"use_reentrant": False} if options.gradient_checkpointing else None,
            "logging_steps": 1, "logging_nan_inf_filter": False, "save_strategy": "no", "eval_strategy": "no",
            "report_to": "none", "disable_tqdm": True, "bf16": False, "fp16": False,
            "use_cpu": best_device().type == "cpu", "dataloader_pin_memory": False,
        }  # fmt: skip
        with old_names_allowed():
            return config(**(ours | more))

    def run(
        self, trainer: Any, weights: Mapping[str, torch.Tensor], batches: Sequence[Sequence[int]] | None = None
    ) -> Progress:
        """Train to the end, from the last checkpoint if there is one of this training; leave the best weights.

        Raises:
            TrainError: If the loss is not finite, or if a checkpoint cannot be written.
            Interrupted: If asked to stop; a checkpoint is kept.
        """
        self.weights, self.batches = weights, batches
        trainer.stage = self
        if batches is not None:
            trainer.args.num_train_epochs = 1
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Watch(self, trainer))
        resumed = self._take_up()
        self._saved = time.perf_counter()
        if not self.over:
            trainer.train(resume_from_checkpoint=str(self.checkpoint) if resumed else None)
        if self.progress.dev_losses:
            self.best.load_best(weights)
        else:
            self.progress.best_step = self.progress.step
        return self.progress

    @property
    def over(self) -> bool:
        """Whether nothing is left to do: all steps are done, or patience ran out."""
        steps = math.inf if self.batches is None else math.ceil(len(self.batches) / self.options.accumulation)
        return self.progress.step >= steps or self.out_of_patience

    @property
    def out_of_patience(self) -> bool:
        """Whether the last looks at the held-out rows were none the better."""
        return self.progress.looks_without_better >= self.options.patience

    def save_if_due(self, trainer: Any) -> None:
        """Keep a checkpoint when it is time for one; when asked to stop, keep one and raise `Interrupted`."""
        stopping = self.context.stopping()
        if stopping or time.perf_counter() - self._saved > self.options.checkpoint_seconds:
            self.save(trainer)
            self._saved = time.perf_counter()
        if stopping:
            raise Interrupted(
                f"training stopped at step {self.progress.step}; its checkpoint is kept",
                "Go on with `loresmith build --resume`.",
            )

    def save(self, trainer: Any) -> None:
        """Keep the present state in place of the last, whole or not at all; raises `TrainError`."""

        def fill(folder: Path) -> None:
            folder.mkdir()
            save_file({k: v.detach().contiguous() for k, v in self.weights.items()}, folder / "weights.safetensors")
            trainer._save_optimizer_and_scheduler(str(folder))
            trainer._save_rng_state(str(folder))
            trainer.state.save_to_json(str(folder / "trainer_state.json"))
            write_json(folder / "progress.json", self._state())

        write_whole(self.checkpoint, f"the checkpoint of step {self.progress.step}", fill)

    def load_weights(self) -> None:
        """Take up the weights of the last checkpoint, in place."""
        saved = load_file(self.checkpoint / "weights.safetensors")
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(saved[name])

    def _take_up(self) -> bool:
        if not self.context.resume or not (self.checkpoint / "progress.json").is_file():
            return False
        saved = read_json(self.checkpoint / "progress.json")
        if saved.pop("fingerprint") != self.fingerprint:
            return False
        looks = [(int(step), float(loss)) for step, loss in saved.pop("dev_losses")]
        best = float("inf") if saved["best_dev"] is None else saved["best_dev"]
        self.progress = Progress(**(saved | {"best_dev": best, "dev_losses": looks}))
        self.load_weights()
        return True

    def _state(self) -> dict[str, Any]:
        progress = self.progress
        names = ("step", "tokens", "seconds", "best_step", "looks_without_better", "train_loss", "dev_losses")
        best = progress.best_dev if progress.dev_losses else None
        return {name: getattr(progress, name) for name in names} | {"best_dev": best, "fingerprint": self.fingerprint}


class OnStage:
    """To be put before a trainer of TRL: our batches, our learning rate, our checkpoints, and no telemetry."""

    stage: TrlStage

    def _send_telemetry(self) -> None:
        """Nothing is sent anywhere."""

    def get_train_dataloader(self) -> Any:
        """Return the batches of the stage, or the trainer's own where the stage has none."""
        trainer: Any = self
        if self.stage.batches is None:
            return super().get_train_dataloader()  # type: ignore[misc]
        rows = trainer._remove_unused_columns(trainer.train_dataset, description="training")
        batches = [list(batch) for batch in self.stage.batches]
        loader = DataLoader(rows, batch_sampler=batches, collate_fn=trainer.data_collator)
        return trainer.accelerator.prepare(loader)

    def create_optimizer(self, *_: Any) -> Any:
        """Return the optimizer that all stages have."""
        trainer: Any = self
        if trainer.optimizer is None:
            trainer.optimizer = optimizer_of(trainer.model, self.stage.weights, self.stage.options)
        return trainer.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The rate rises for the share `warmup` of the steps, then falls on a cosine."""
        trainer: Any = self
        if trainer.lr_scheduler is None:
            rising = round(num_training_steps * self.stage.options.warmup)
            optimizer = trainer.optimizer if optimizer is None else optimizer
            trainer.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda step: share_of_rate(step, num_training_steps, rising)
            )
            trainer._created_lr_scheduler = True
        return trainer.lr_scheduler

    def training_step(self, *inputs: Any, **named: Any) -> torch.Tensor:
        """Compute the gradient of a batch; raises `TrainError` when the loss is not finite."""
        loss: torch.Tensor = super().training_step(*inputs, **named)  # type: ignore[misc]
        if not torch.isfinite(loss):
            raise TrainError(
                f"the loss is {loss.item()} at step {self.stage.progress.step + 1}",
                "Lower learning_rate, or look at the data. The weights before this step are kept.",
            )
        return loss

    def _save_checkpoint(self, *_: Any) -> None:
        self.stage.save_if_due(self)

    def _load_from_checkpoint(self, *_: Any, **__: Any) -> None:
        """The weights were taken up before: adapters, heads and whole models alike."""


@contextmanager
def as_given(model: Any) -> Iterator[None]:
    """Let TRL make a trainer for a model, and undo what that does to it.

    It turns what trains beside a base in 4 bit into 16 bit, and puts a copy of the adapter beside the adapter.
    """
    own = {name: (weight.data, weight.requires_grad) for name, weight in model.named_parameters()}
    yield
    if "ref" in getattr(model, "peft_config", {}):
        model.delete_adapter("ref")
    for name, weight in model.named_parameters():
        weight.data, trains = own[name]
        weight.requires_grad_(trains)


@contextmanager
def failures_named(options: LoopOptions) -> Iterator[None]:
    """Say what to do where the memory does not suffice; raises `TrainError`."""
    with memory_named(f"a step of {options.batch} rows", []):
        yield


def share_of_rate(step: int, steps: int, rising: int) -> float:
    """Return the share of the highest learning rate at a step, from 0: rising in a line, then falling on a cosine."""
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))
