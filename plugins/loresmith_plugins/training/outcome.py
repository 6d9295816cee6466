"""What a stage on a TRL trainer leaves in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from loresmith.specs import StageResult
from loresmith_plugins.training import pissa
from loresmith_plugins.training.adapters import save_adapter, save_model
from loresmith_plugins.training.parity import load_served, parity
from loresmith_plugins.training.rows import Row
from loresmith_plugins.training.trl_stage import TrlStage


def left_behind(
    stage: TrlStage, model: Any, pairs: Sequence[tuple[Sequence[int], Row]], details: Mapping[str, Any]
) -> StageResult:
    """Write what a stage trained into its folder, and say how it went.

    Args:
        stage: The stage, done.
        model: What trained, with the weights to keep.
        pairs: Prompts as served, each with a conversation as trained: on these, served and trained are compared.
        details: The method's own figures.
    """
    context, progress = stage.context, stage.progress
    is_whole = not hasattr(model, "peft_config")
    adapter = None if is_whole else context.folder / "adapter"
    whole = context.folder / "model" if is_whole else None
    if adapter:
        save_adapter(model, adapter, context.base.name)
    if whole:
        save_model(model, whole, context.base)
    # A plain adapter is served on the very weights it trained on; the others are read back as an engine does.
    same_base = not is_whole and not pissa.started(model) and not getattr(model, "is_loaded_in_4bit", False)
    served = None if same_base else partial(load_served, whole or context.base, adapter)
    return StageResult(
        adapter=adapter,
        model=whole,
        steps=progress.step,
        best_step=progress.best_step,
        train_loss=progress.train_loss,
        dev_loss=progress.best_dev if progress.dev_losses else progress.train_loss,
        tokens=progress.tokens,
        seconds=progress.seconds,
        stopped_early=stage.out_of_patience,
        details={
            **details,
            "trainable_parameters": sum(weight.numel() for weight in stage.weights.values()),
            "parity": parity(model, [row for _, row in pairs], [prompt for prompt, _ in pairs], served),
        },
    )
