"""Method `dpo`: direct preference optimization, from pairs of a chosen and a rejected reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Self

from pydantic import Field, model_validator

from loresmith.hooks import hookimpl
from loresmith.specs import Footprint, MethodSpec, StageContext, Trainer
from loresmith_plugins.training.options import AdapterOptions, LoopOptions, PreferenceOptions

Loss = Literal[
    "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot", "aot_unpaired",
    "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm",
]  # fmt: skip
"""The losses of TRL's DPOTrainer."""


class DpoOptions(PreferenceOptions, AdapterOptions, LoopOptions):
    """How a stage learns from pairs."""

    beta: float = Field(default=0.1, gt=0, description="How dearly the model pays for leaving the reference")
    loss: Loss = Field(default="sigmoid", description="Loss of a pair; sigmoid is the paper's")
    label_smoothing: float = Field(
        default=0.0, ge=0, lt=0.5, description="Share of the pairs taken to be labelled the wrong way round"
    )
    dev: float = Field(default=0.1, ge=0, lt=1, description="Share of the prompts kept apart to stop early by")
    batch: int = Field(default=4, ge=1, le=4096, description="Pairs that are computed at once")
    accumulation: int = Field(
        default=2, ge=1, le=4096, description="Batches a step: their gradients add up to that of one large batch"
    )
    learning_rate: float = Field(default=5e-5, gt=0, lt=1, description="Highest learning rate")

    @model_validator(mode="after")
    def _smoothed_enough(self) -> Self:
        if self.loss == "exo_pair" and not self.label_smoothing:
            raise ValueError("the loss exo_pair needs a label_smoothing above 0; its paper takes 0.001")
        return self


def _build(options: DpoOptions, context: StageContext) -> Trainer:
    from loresmith_plugins.methods.dpo.train import DpoTrainer
    from loresmith_plugins.training.made_preferences import with_preferences

    return DpoTrainer(options, with_preferences(context, options.preferences))


@hookimpl
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Register the method."""
    register(
        MethodSpec(
            name="dpo",
            summary="Direct preference optimization: makes chosen replies likelier than rejected ones",
            options=DpoOptions,
            build=_build,
            footprint=lambda _options: Footprint(learns_from="preferences", rows=2),
        )
    )
