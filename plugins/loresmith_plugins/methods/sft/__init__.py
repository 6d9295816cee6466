"""Method `sft`: supervised fine-tuning on the replies of the examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import MethodSpec, StageContext, Trainer


class SftOptions(Options):
    """How a supervised stage trains."""

    adapter: Literal["lora"] = Field(default="lora", description="What is trained: low-rank adapters on the base")
    rank: int = Field(default=8, ge=1, le=1024, description="Rank of the adapters")
    alpha: float = Field(default=16.0, gt=0, description="Scale of the adapters is alpha / rank; usually 2 × rank")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout before the adapters")
    targets: Literal["all-linear"] | list[str] = Field(
        default="all-linear", description="Layers that get adapters: all linear ones, or names"
    )
    epochs: float = Field(default=3.0, gt=0, le=100, description="Times the examples are gone through")
    learning_rate: float = Field(default=5e-4, gt=0, lt=1, description="Highest learning rate")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="Share of the steps in which the rate rises")
    batch: int = Field(default=8, ge=1, le=4096, description="Examples a step")
    max_grad_norm: float = Field(default=1.0, gt=0, description="Gradients are clipped to this norm")
    weight_decay: float = Field(default=0.0, ge=0, lt=1, description="Decay of the adapter weights")
    gradient_checkpointing: bool = Field(
        default=False, description="Save memory by computing activations twice; about a quarter slower"
    )
    evaluations: int = Field(default=1, ge=1, le=100, description="Looks at the dev split in an epoch")
    patience: int = Field(default=2, ge=1, le=1000, description="Looks without a better dev loss before stopping")
    checkpoint_seconds: float = Field(default=60.0, gt=0, description="Time between checkpoints")
    passages: int = Field(
        default=2, ge=0, le=20, description="Passages of the live retriever in a prompt; 0 trains without any"
    )
    without_right: float = Field(
        default=0.1, ge=0, le=1, description="Share of prompts with passages that lack the right one, and decline"
    )
    plain: float = Field(
        default=0.34, ge=0, le=1, description="Share of the examples trained in an epoch without passages too"
    )


def _build(options: SftOptions, context: StageContext) -> Trainer:
    from loresmith_plugins.methods.sft.train import SftTrainer

    return SftTrainer(options, context)


@hookimpl
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Register the method."""
    register(
        MethodSpec(
            name="sft",
            summary="Supervised fine-tuning: learns the replies of the examples, with and without passages",
            options=SftOptions,
            build=_build,
        )
    )
