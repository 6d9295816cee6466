"""Options that training methods have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from loresmith.options import Named, Options

_OF_ADAPTERS = ("variant", "rank", "alpha", "dropout", "targets")


def engine_named(key: str, engine: Mapping[str, Any]) -> Named:
    """Return an engine that an option names; beside the engine's own options it may say its `base`."""
    return Named((key,), "engine", {name: value for name, value in engine.items() if name != "base"})


class AdapterOptions(Options):
    """What is trained."""

    adapter: Literal["none", "lora", "qlora"] = Field(
        default="lora",
        description="What is trained: low-rank adapters on the base, or on the base in 4 bit; none trains all weights",
    )
    variant: Literal["plain", "dora", "rslora", "pissa", "lora_fa"] = Field(
        default="plain", description="Kind of the adapters"
    )
    rank: int = Field(default=8, ge=1, le=1024, description="Rank of the adapters")
    alpha: float = Field(default=16.0, gt=0, description="Scale of the adapters is alpha / rank; usually 2 × rank")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the adapters")
    targets: Literal["all-linear"] | list[str] = Field(
        default="all-linear", description="Layers that get adapters: all linear ones, or names"
    )
    adapter_dtype: Literal["float32", "bfloat16"] = Field(
        default="float32", description="Precision of the weights that train: 32 or 16 bit"
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        named = [name for name in _OF_ADAPTERS if name in self.changed()]
        if self.adapter == "none" and named:
            raise ValueError(f'{named[0]} belongs to adapters, and "adapter: none" has none; leave it out')
        if self.adapter == "qlora" and self.variant == "pissa":
            raise ValueError("pissa takes the base's weights apart, which qlora keeps in 4 bit; use adapter: lora")
        return self


class LoopOptions(Options):
    """How weights are moved."""

    epochs: float = Field(default=3.0, gt=0, le=100, description="Times the data are gone through")
    learning_rate: float = Field(default=5e-4, gt=0, lt=1, description="Highest learning rate")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps in which the rate rises")
    batch: int = Field(default=8, ge=1, le=4096, description="Rows that are computed at once")
    accumulation: int = Field(
        default=1, ge=1, le=4096, description="Batches a step: their gradients add up to that of one large batch"
    )
    max_grad_norm: float = Field(default=1.0, gt=0, description="Gradients are clipped to this norm")
    weight_decay: float = Field(default=0.0, ge=0, lt=1, description="Decay of the trained weights")
    gradient_checkpointing: bool = Field(
        default=False, description="Save memory by computing activations twice; about a quarter slower"
    )
    evaluations: int = Field(default=1, ge=1, le=100, description="Looks at the held-out rows in an epoch")
    patience: int = Field(default=2, ge=1, le=1000, description="Looks without a better one before stopping")
    checkpoint_seconds: float = Field(default=60.0, gt=0, description="Time between checkpoints")


class MadeBy(Options):
    """A stage that made data."""

    stage: int = Field(ge=0, description="Its number, the first one 0")
    run: str = Field(default="", description="Its run; this one if not given")


class PreferenceOptions(Options):
    """Which preferences are learnt from."""

    preferences: MadeBy | None = Field(
        default=None, description="{stage: N, run: ID}: those that a stage made, in place of the recipe's"
    )
