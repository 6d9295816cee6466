"""Method `reward`: a model that scores replies, from pairs; and the metric `reward`, which asks such a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from pydantic import Field, model_validator

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import Footprint, MethodSpec, Metric, MetricSpec, StageContext, Trainer
from loresmith_plugins.training.options import AdapterOptions, LoopOptions, PreferenceOptions


class RewardOptions(PreferenceOptions, AdapterOptions, LoopOptions):
    """How a reward model trains."""

    center: float = Field(default=0.01, ge=0, le=1, description="Pull of the two scores of a pair towards a sum of 0")
    dev: float = Field(default=0.1, ge=0, lt=1, description="Share of the prompts kept apart to stop early by")
    learning_rate: float = Field(default=2e-4, gt=0, lt=1, description="Highest learning rate")

    @model_validator(mode="after")
    def _whole_precision(self) -> Self:
        if self.adapter == "qlora":
            raise ValueError("a reward model is written as whole weights, which 4 bit are not; take lora or none")
        return self


class RewardMetricOptions(Options):
    """Which reward model scores."""

    path: str = Field(
        min_length=1,
        description='Folder "reward" that a stage left; a relative one is taken from the folder the command runs in',
    )


def _build(options: RewardOptions, context: StageContext) -> Trainer:
    from loresmith_plugins.methods.reward.train import RewardTrainer
    from loresmith_plugins.training.made_preferences import with_preferences

    return RewardTrainer(options, with_preferences(context, options.preferences))


def _build_metric(options: RewardMetricOptions) -> Metric:
    from loresmith_plugins.methods.reward.metric import RewardMetric

    return RewardMetric(options.path)


@hookimpl
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Register the method."""
    register(
        MethodSpec(
            name="reward",
            summary="Reward model: learns to score replies from pairs; the assistant's weights stay as they are",
            options=RewardOptions,
            build=_build,
            footprint=lambda _options: Footprint(learns_from="preferences", rows=2, logits="none"),
        )
    )


@hookimpl
def register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Register the metric."""
    register(
        MetricSpec(
            name="reward",
            summary="Score of a reward model, through a sigmoid: above 0.5 is better than its average reply",
            options=RewardMetricOptions,
            build=_build_metric,
        )
    )
