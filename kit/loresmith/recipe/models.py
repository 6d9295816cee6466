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


def off_as_word(value: Any) -> Any:
    """Return what was meant where YAML reads a bare `off` as false."""
    return "off" if value is False else value


class Queries(Section):
    """What is searched for when a question is asked."""

    condense: Literal["rules", "engine", "off"] = Field(
        default="rules",
        description="How a follow-up question is made to stand alone: joined to the one before it where it is short, "
        "rewritten by the engine, or not at all",
    )
    multi: int = Field(default=0, ge=0, le=8, description="Other ways to ask the same, written by the engine")

    @field_validator("condense", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        return off_as_word(value)


class Base(Section):
    """Documents with an index of their own."""

    sources: list[Component] | None = Field(min_length=1, description="Where the documents are")
    chunker: Component = Field(default=Component(kind="recursive"), description="How documents are cut")
    embedder: Component = Field(default=Component(kind="minilm"), description="What turns chunks into vectors")
    store: Component = Field(default=Component(kind="chroma"), description="Where the vectors are kept")
    retriever: Component = Field(default=Component(kind="hybrid"), description="How chunks are found")


BaseName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]


class Knowledge(Base):
    """What the assistant looks up: documents, further bases of documents, or both."""

    sources: list[Component] | None = Field(default=None, min_length=1, description="Where the documents are")
    reranker: Component | None = Field(default=None, description="What looks again at the chunks found")
    queries: Queries = Field(default=Queries(), description="What is searched for")
    injection: Literal["mark", "drop", "off"] = Field(
        default="mark",
        description="What becomes of passages that tell the assistant what to do: `mark` withholds those sentences, "
        "`drop` the passage, `off` neither",
    )
    bases: dict[BaseName, Base] = Field(
        default={}, description="Further documents, each with its own index; all are asked, and their ids begin NAME/"
    )

    @field_validator("injection", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        return off_as_word(value)

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.sources is None and not self.bases:
            raise ValueError("has neither sources nor bases")
        return self


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
    citations: Literal["strict", "mark", "off"] = Field(
        default="mark",
        description="What becomes of citations that their passage does not support: `mark` says so, `strict` makes the "
        "reply a refusal, `off` checks none",
    )
    data: Data = Field(description="What it learns from and is measured on")
    training: list[Stage] = Field(default=[], description="Training stages, in order")
    evaluation: Evaluation = Field(default=Evaluation(), description="How the rungs are compared")
    seed: int = Field(default=42, ge=0, description="Seed of training")

    @field_validator("citations", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: Any) -> Any:
        return off_as_word(value)
