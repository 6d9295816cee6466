"""A supervised stage: rows, weights, the loop, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from loresmith.specs import MaskReceipt, StageContext, StageResult
from loresmith_plugins.engines.transformers.load import load_format, window_of
from loresmith_plugins.methods.sft import SftOptions
from loresmith_plugins.methods.sft.material import material_of
from loresmith_plugins.training.adapters import compute_activations_twice, save_adapter, save_model, trainable_model
from loresmith_plugins.training.checkpoints import fingerprint
from loresmith_plugins.training.fitting import check_fit
from loresmith_plugins.training.loop import Ended, Loop
from loresmith_plugins.training.loss import TrainedTokenLoss
from loresmith_plugins.training.low_rank import fuse
from loresmith_plugins.training.packing import require_rows_kept_apart
from loresmith_plugins.training.parity import load_served, parity
from loresmith_plugins.training.rows import receipt
from loresmith_plugins.training.rows_objective import RowsObjective


class SftTrainer:
    """One supervised stage.

    Args:
        options: How it trains.
        context: What it trains on, and where it keeps things.

    Raises:
        DataError: If examples do not fit the window, or have an empty reply.
        TrainError: If the adapters do not fit the model.
    """

    def __init__(self, options: SftOptions, context: StageContext) -> None:
        from transformers import AutoConfig

        self.options, self.context = options, context
        check_fit(options, context.base, context.adapter)
        self.chat = load_format(context.base)
        window = window_of(AutoConfig.from_pretrained(str(context.base), trust_remote_code=False))
        self.material = material_of(options, context, self.chat, window)

    def receipt(self) -> MaskReceipt:
        """Say what the first epoch trains; raises as `rows.receipt`."""
        replies = self.options.objective == "replies"
        return receipt(self.material.epochs[0], self.chat, replies=replies, warnings=self.material.warnings)

    def train(self) -> StageResult:
        """Run the stage: raises as `loop.Loop.run`."""
        options, context = self.options, self.context
        torch.manual_seed(context.seed)
        model = trainable_model(context.base, options, context.adapter)
        if options.gradient_checkpointing:
            compute_activations_twice(model)
        if options.packing:
            require_rows_kept_apart(model)
        fuse(model)
        objective = self.objective(model)
        loop = Loop(model, objective, options, context, fingerprint(context, options, objective.data()))
        return self._left(loop, loop.run())

    def objective(self, model: Any, make: Callable[..., RowsObjective] = RowsObjective) -> RowsObjective:
        """Return what the loop trains for, made of the rows and the model's loss."""
        options = self.options
        return make(
            TrainedTokenLoss(model, share_prefix=not options.gradient_checkpointing),
            self.material.epochs,
            self.material.dev,
            options,
            seed=self.context.seed,
            pad=min(self.chat.eos_ids),
            device=model.device,
            packing=options.packing,
        )

    def _left(self, loop: Loop, ended: Ended) -> StageResult:
        """Write what was trained, and compare it with what will be served."""
        progress, whole = ended.progress, self.options.adapter == "none"
        model = self.context.folder / "model" if whole else None
        adapter = None if whole else self.context.folder / "adapter"
        if model:
            save_model(loop.model, model, self.context.base)
        if adapter:
            save_adapter(loop.model, adapter, self.context.base.name)
        return StageResult(
            adapter=adapter,
            model=model,
            steps=progress.step,
            best_step=progress.best_step,
            train_loss=progress.train_loss,
            dev_loss=progress.best_dev,
            tokens=progress.tokens,
            seconds=progress.seconds,
            stopped_early=ended.stopped_early,
            details={
                "trainable_parameters": sum(weight.numel() for weight in loop.weights.values()),
                **self._compared(loop.model, model or self.context.base, adapter),
            },
        )

    def _compared(self, trained: Any, base: Path, adapter: Path | None) -> dict[str, Any]:
        """Return the parity of trained and served, and of a base in 4 bit the dev loss on the whole one too."""
        # A plain adapter is served on the very weights it trained on; the others are read back as an engine does.
        same_base = self.options.adapter == "lora" and self.options.variant != "pissa"
        served = None if same_base else load_served(base, adapter)
        found = parity(trained, self.material.dev, self.material.prompts, None if served is None else lambda: served)
        if served is None or self.options.adapter != "qlora":
            return {"parity": found}
        found["explained"] = "trained beside weights in 4 bit, served on the whole ones"
        with torch.no_grad():
            loss = self.objective(served.eval()).look().loss
        return {"parity": found, "served_dev_loss": loss}
