"""The recipe's keys, their types, defaults and help: one model for the check, the reference page and the forms."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from loresmith.rungs import RUNGS, Rung, TrainedRung


class Section(BaseModel):
    """A mapping of the recipe. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Component(BaseModel):
    """A part that a plugin offers: `kind` picks it, the remaining keys are its options."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    kind: str = Field(description="Name of the component, as `loresmith plugins ls` lists it")

    @property
    def options(self) -> dict[str, Any]:
        """The remaining keys, unchecked."""
        return dict(self.model_extra or {})


class Stage(BaseModel):
    """One training stage: `method` picks it, the keys that are not named here are its options."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    method: str = Field(description="Training method")
    rungs: list[TrainedRung] = Field(
        default=["tuned", "hybrid"],
        min_length=1,
        description="Rungs that use the weights as this stage leaves them, unless a later stage says so too",
    )

    @property
    def options(self) -> dict[str, Any]:
        """The remaining keys, unchecked."""
        return dict(self.model_extra or {})


class Knowledge(Section):
    """What the assistant looks up."""

    sources: list[Component] = Field(min_length=1, description="Where the documents are")
    chunker: Component = Field(default=Component(kind="recursive"), description="How documents are cut")
    embedder: Component = Field(default=Component(kind="minilm"), description="What turns chunks into vectors")
    store: Component = Field(default=Component(kind="chroma"), description="Where the vectors are kept")
    retriever: Component = Field(default=Component(kind="hybrid"), description="How chunks are found")


class Split(Section):
    """How examples are divided, once and for all, before anything is made or trained."""

    dev: float = Field(default=0.1, gt=0, lt=0.5, description="Share for early stopping and choices")
    test: float = Field(default=0.2, gt=0, lt=0.8, description="Share held out for the ladder")
    group_by: Literal["grounding", "none"] = Field(
        default="grounding", description="Keep examples with a common grounding document on one side"
    )
    seed: int = Field(default=13, ge=0, description="Seed of the split")

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if self.dev + self.test >= 1:
            raise ValueError(f"dev ({self.dev}) and test ({self.test}) leave nothing to train on")
        return self


class Data(Section):
    """What the assistant learns from and is measured on."""

    examples: list[Component] = Field(min_length=1, description="Where the examples are")
    preferences: list[Component] = Field(default=[], description="Where the preferences are")
    split: Split = Field(default=Split(), description="How examples are divided")


class Evaluation(Section):
    """How the rungs are compared."""

    metrics: list[str | Component] = Field(
        default=["token_f1", "exact_match", "citation", "declines"],
        min_length=1,
        description="Metrics; the first decides the verdict",
    )
    rungs: list[Rung] = Field(default=list(RUNGS), min_length=1, description="Rungs to measure")
    margin: float = Field(default=0.02, ge=0, lt=1, description="Smaller wins do not count")
    stage_gains: bool = Field(
        default=True, description="With several training stages, measure what each gained on the dev split"
    )
    resamples: int = Field(default=10_000, ge=100, le=1_000_000, description="Bootstrap resamples")

    @field_validator("rungs")
    @classmethod
    def _each_once(cls, rungs: list[Rung]) -> list[Rung]:
        twice = sorted({rung for rung in rungs if rungs.count(rung) > 1})
        if twice:
            raise ValueError(f"names {', '.join(twice)} twice")
        return rungs


class Recipe(Section):
    """What an assistant is made of."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")] = Field(description="Name of the assistant")
    base: str = Field(min_length=1, description="Base model: preset, local path or hub id")
    instructions: str = Field(min_length=1, description="System prompt, the same in every rung")
    few_shot: int = Field(
        default=3, ge=0, le=32, description="Demonstrations in the few-shot rung, from the training split"
    )
    engine: Component = Field(default=Component(kind="transformers"), description="What generates the text")
    knowledge: Knowledge = Field(description="What the assistant looks up")
    data: Data = Field(description="What it learns from and is measured on")
    training: list[Stage] = Field(default=[], description="Training stages, in order")
    evaluation: Evaluation = Field(default=Evaluation(), description="How the rungs are compared")
    seed: int = Field(default=42, ge=0, description="Seed of training")
