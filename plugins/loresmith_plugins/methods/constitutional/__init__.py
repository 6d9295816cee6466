"""Method `constitutional`: learns replies that a critic revised by written principles, and labels preferences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from loresmith.errors import DataError, Problem
from loresmith.hooks import hookimpl
from loresmith.options import Named, Options
from loresmith.recipe.models import Component
from loresmith.specs import MethodSpec, StageContext, Trainer
from loresmith_plugins.methods.constitutional.constitution import read_constitution, require_preferring
from loresmith_plugins.methods.sft import SftOptions
from loresmith_plugins.training.options import engine_named


class Budget(Options):
    """What may be asked of the critic; what is not named has no limit."""

    items: int | None = Field(default=None, ge=1, description="Most prompts it criticises, and most pairs it labels")
    tokens: int | None = Field(default=None, ge=1, description="No more is asked once it read and wrote so many tokens")


class ConstitutionalOptions(SftOptions):
    """How replies are criticised and revised; the other keys say how the revisions are learnt, as in `sft`."""

    constitution: str = Field(min_length=1, description="File with the principles, relative to the project")
    prompts: str | None = Field(
        default=None, min_length=1, description="JSON Lines file with more prompts (rows with `prompt`)"
    )
    phase: Literal["critique", "preferences", "both"] = Field(
        default="critique", description="Revise and learn; label pairs of replies for a later stage; or both"
    )
    critic: Component = Field(
        default=Component(kind="transformers", max_tokens=160),
        description="Engine that criticises, revises and labels; without a `base` the weights the stage starts from",
    )
    rounds: int = Field(default=1, ge=1, le=16, description="Times a reply is criticised and revised")
    first_replies: Literal["greedy", "sampled"] = Field(
        default="greedy", description="How the replies that are criticised are made"
    )
    max_tokens: int = Field(default=128, ge=1, le=8192, description="Longest reply of the model, in tokens")
    temperature: float = Field(default=1.0, gt=0, le=10, description="Of sampled replies; a pair is always sampled")
    top_p: float = Field(default=0.95, gt=0, le=1, description="Of sampled replies: share of probability drawn from")
    margin: float = Field(
        default=0.1, ge=0, lt=0.5, description="A label counts if its probability is further than this from a half"
    )
    gold: float = Field(default=0.0, ge=0, le=1, description="Share of the examples learnt as they are, besides")
    at_once: int = Field(
        default=8, ge=1, le=1024, description="Conversations asked together; a kill loses at most these"
    )
    budget: Budget = Field(default=Budget(), description="What may be asked of the critic")
    # The replies are made and revised without passages; to learn them with some would teach to cite what says it not.
    passages: int = Field(
        default=0, ge=0, le=20, description="Passages of the live retriever in a prompt; 0 trains without any"
    )

    @model_validator(mode="after")
    def _learns_replies(self) -> Self:
        if self.objective != "replies":
            raise ValueError(
                f'a constitutional stage learns replies; leave "objective: {self.objective}" to a stage sft'
            )
        return self

    def files(self) -> tuple[str, ...]:
        """Return the constitution and the prompts' file."""
        return (*super().files(), self.constitution, *([self.prompts] if self.prompts else []))

    def named(self) -> Sequence[Named]:
        """Return the critic."""
        return [*super().named(), engine_named("critic", self.critic.model_dump())]

    def problems(self, root: Path) -> list[Problem]:
        """Return what is wrong with the files, the constitution read whole."""
        found = super().problems(root)
        if not any(problem.key == "constitution" for problem in found):
            try:
                constitution = read_constitution(root, self.constitution)
                if self.phase != "critique":
                    require_preferring(constitution, self.constitution)
            except DataError as error:
                found += error.problems
        return found


def _build(options: ConstitutionalOptions, context: StageContext) -> Trainer:
    from loresmith_plugins.methods.constitutional.train import ConstitutionalTrainer

    return ConstitutionalTrainer(options, context)


@hookimpl
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Register the method."""
    register(
        MethodSpec(
            name="constitutional",
            summary="Constitutional AI: learns replies that a critic revised by principles, and labels preferences",
            options=ConstitutionalOptions,
            build=_build,
        )
    )
