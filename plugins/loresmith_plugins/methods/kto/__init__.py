"""Method `kto`: learns from single replies that were liked or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Self

from pydantic import Field, model_validator

from loresmith.hooks import hookimpl
from loresmith.specs import Footprint, MethodSpec, StageContext, Trainer
from loresmith_plugins.training.options import AdapterOptions, LoopOptions, PreferenceOptions


class KtoOptions(PreferenceOptions, AdapterOptions, LoopOptions):
    """How a stage learns from thumbs up and down."""

    beta: float = Field(default=0.1, gt=0, description="How dearly the model pays for leaving the reference")
    loss: Literal["kto", "apo_zero_unpaired"] = Field(
        default="kto", description="Loss of a reply; apo_zero_unpaired takes no account of the drift from the reference"
    )
    liked_weight: float = Field(default=1.0, gt=0, description="What a liked reply counts")
    disliked_weight: float = Field(default=1.0, gt=0, description="What a disliked reply counts")
    dev: float = Field(default=0.1, ge=0, lt=1, description="Share of the prompts kept apart to stop early by")
    learning_rate: float = Field(default=5e-5, gt=0, lt=1, description="Highest learning rate")

    @model_validator(mode="after")
    def _company(self) -> Self:
        if self.loss == "kto" and self.batch < 2:
            raise ValueError("kto measures the drift on the other replies of a batch; set batch to 2 or more")
        return self


def _build(options: KtoOptions, context: StageContext) -> Trainer:
    from loresmith_plugins.methods.kto.train import KtoTrainer
    from loresmith_plugins.training.made_preferences import with_preferences

    return KtoTrainer(options, with_preferences(context, options.preferences))


@hookimpl
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Register the method."""
    register(
        MethodSpec(
            name="kto",
            summary="Kahneman-Tversky optimization: makes liked replies likelier and disliked ones less likely",
            options=KtoOptions,
            build=_build,
            footprint=lambda _options: Footprint(learns_from="preferences"),
        )
    )
