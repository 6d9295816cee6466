"""Method `sft`: supervised fine-tuning on the replies of the examples, or on the documents as they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import MethodSpec, StageContext, Trainer
from loresmith_plugins.training.options import AdapterOptions, LoopOptions

_OF_REPLIES = ("passages", "without_right", "plain", "loss_on", "packing")


class MixOptions(Options):
    """General examples that are learnt again among the project's own, so that a model forgets less."""

    path: str = Field(min_length=1, description="File of examples, one JSON object a line, relative to the project")
    share: float = Field(default=0.1, gt=0, lt=1, description="Their share of an epoch")


class SftOptions(AdapterOptions, LoopOptions):
    """How a supervised stage trains."""

    learning_rate: float = Field(
        default=5e-4, gt=0, lt=1, description="Highest learning rate; unless given, 5e-5 where all weights train"
    )
    objective: Literal["replies", "documents"] = Field(
        default="replies", description="What is learnt: the replies of the examples, or the text of the documents"
    )
    passages: int = Field(
        default=2, ge=0, le=20, description="Passages of the live retriever in a prompt; 0 trains without any"
    )
    without_right: float = Field(
        default=0.1, ge=0, le=1, description="Share of prompts with passages that lack the right one, and decline"
    )
    plain: float = Field(
        default=0.34, ge=0, le=1, description="Share of the examples trained in an epoch without passages too"
    )
    loss_on: Literal["all", "last"] = Field(
        default="all", description="Replies of a conversation that are learnt: all, or only the last"
    )
    packing: bool = Field(
        default=False, description="Lay the examples of a batch end to end without padding, each seeing only itself"
    )
    block: int = Field(default=512, ge=16, description="Tokens of a row where documents are learnt")
    mix: MixOptions | None = Field(default=None, description="General examples against forgetting")

    @model_validator(mode="before")
    @classmethod
    def _gentle_on_all_weights(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("adapter") == "none":
            return {"learning_rate": 5e-5, **given}
        return given

    @model_validator(mode="after")
    def _of_one_objective(self) -> Self:
        others = _OF_REPLIES if self.objective == "documents" else ("block",)
        if named := [name for name in others if name in self.changed()]:
            raise ValueError(f'{named[0]} has no meaning with "objective: {self.objective}"; leave it out')
        return self

    def files(self) -> tuple[str, ...]:
        """Return the file of general examples."""
        return (self.mix.path,) if self.mix else ()


def _build(options: SftOptions, context: StageContext) -> Trainer:
    from loresmith_plugins.methods.sft.train import SftTrainer

    return SftTrainer(options, context)


@hookimpl
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Register the method."""
    register(
        MethodSpec(
            name="sft",
            summary="Supervised fine-tuning: learns the replies of the examples, or the documents themselves",
            options=SftOptions,
            build=_build,
        )
    )
