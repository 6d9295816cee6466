"""Method `distill`: a student learns from a teacher: its replies, its reasons, or its distribution over next tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from loresmith.hooks import hookimpl
from loresmith.options import Named
from loresmith.specs import Footprint, MethodSpec, StageContext, Trainer
from loresmith_plugins.methods.sft import SftOptions
from loresmith_plugins.training.options import AdapterOptions, LoopOptions, engine_named

_OF_KIND = {
    "prompts": ("replies", "logits"),
    "gold": ("replies",),
    "teacher_instructions": ("replies",),
    "longest": ("replies", "rationales"),
    "drop_refusals": ("replies", "rationales"),
    "asked_at_once": ("replies", "rationales"),
    "rationales": ("rationales",),
    "rationale_weight": ("rationales",),
    "rationale_prompt": ("rationales",),
    "rationale_request": ("rationales",),
    "beta": ("logits",),
    "temperature": ("logits",),
    "reply_tokens": ("logits",),
    "passages": ("replies",),
}


class DistillOptions(SftOptions):
    """What the student learns of which teacher."""

    kind: Literal["replies", "rationales", "logits"] = Field(
        description="What is learnt: the teacher's replies, its reasons beside the examples' own answers, or its "
        "probabilities of every token that the student itself writes"
    )
    teacher: dict[str, Any] = Field(
        default={},
        description="The engine that teaches, as a mapping: kind, its options, and base for a model on this machine; "
        "without a base the weights that the stage starts from",
    )
    terms: str = Field(
        default="",
        description="Your word, kept with the run, that the teacher's terms allow training on what it writes: which "
        "licence or contract, and since when",
    )
    prompts: str = Field(default="", description="JSON Lines file with more prompts (rows with `prompt`)")
    gold: float = Field(default=0.0, ge=0, lt=1, description="Share of the examples that keep their own reply")
    teacher_instructions: str = Field(
        default="", description="System prompt that the teacher reads in place of the student's"
    )
    longest: int = Field(default=512, ge=1, description="Longer replies are dropped, in tokens of the student")
    drop_refusals: bool = Field(
        default=True, description="Drop replies that decline, unless the example is one that is to be declined"
    )
    asked_at_once: int = Field(
        default=8, ge=1, le=4096, description="Prompts that the teacher is given at a time; a kill loses these at most"
    )
    rationales: str = Field(
        default="",
        description="File with the reasons, in place of a teacher: JSON Lines with question and rationale, and "
        "correct: false where it is wrong; it is matched with the training examples by question",
    )
    rationale_weight: float = Field(default=1.0, ge=0, le=100, description="Weight of the reasons beside the answers")
    rationale_prompt: str = Field(
        default="Explain step by step:", min_length=1, description="What stands before a question to ask for reasons"
    )
    rationale_request: str = Field(
        default="Explain in a few short sentences, step by step, why this answer is right.",
        min_length=1,
        description="How the teacher is asked for its reasons, after question and answer",
    )
    beta: float = Field(
        default=0.5, ge=0, le=1, description="Divergence: 0 is KL(teacher || student), 1 is KL(student || teacher)"
    )
    temperature: float = Field(
        default=1.0, gt=0, le=10, description="Temperature of the student's replies and of both distributions"
    )
    reply_tokens: int = Field(default=80, ge=1, description="Longest reply the student writes in training, in tokens")
    passages: int = Field(
        default=0, ge=0, le=20, description="Passages of the live retriever in the student's prompts; 0 is without any"
    )

    @field_validator("objective")
    @classmethod
    def _of_replies(cls, objective: str) -> str:
        if objective != "replies":
            raise ValueError("a teacher has nothing to say about documents; use the method sft for this objective")
        return objective

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        shared = {**AdapterOptions.model_fields, **LoopOptions.model_fields}
        for name in sorted(self.changed()):
            kinds = _OF_KIND.get(name, ("replies", "rationales") if name in SftOptions.model_fields else ())
            if kinds and name not in shared and self.kind not in kinds:
                raise ValueError(f'{name} belongs to "kind: {kinds[0]}", and this is "kind: {self.kind}"; leave it out')
        return self

    @model_validator(mode="after")
    def _has_teacher(self) -> Self:
        if "kind" not in self.teacher and not (self.kind == "rationales" and self.rationales and not self.teacher):
            raise ValueError("a teacher is wanted, such as teacher: {kind: transformers, base: NAME}")
        if self.rationales and self.teacher:
            raise ValueError("the reasons come from the file `rationales` or from a teacher; leave one out")
        if self.kind == "logits" and (self.teacher["kind"] != "transformers" or not self.teacher.get("base")):
            raise ValueError(
                "kind: logits reads the teacher's probabilities, which takes its weights on this machine: "
                "teacher: {kind: transformers, base: NAME}. From any other teacher, kind: replies learns"
            )
        return self

    def files(self) -> tuple[str, ...]:
        """Return the files with prompts and with reasons."""
        return (*super().files(), *(name for name in (self.prompts, self.rationales) if name))

    def named(self) -> Sequence[Named]:
        """Return the teacher."""
        return [*super().named(), *([engine_named("teacher", self.teacher)] if self.teacher else [])]


def _build(options: DistillOptions, context: StageContext) -> Trainer:
    if options.kind == "logits":
        from loresmith_plugins.methods.distill.vocabulary import require_same_vocabulary

        # A model that cannot teach is refused before anything heavy is loaded.
        teacher = context.model(options.teacher["base"])
        require_same_vocabulary(context.base, teacher, options.teacher["base"])
        from loresmith_plugins.methods.distill.logits import LogitsTrainer

        return LogitsTrainer(options, context, teacher)
    from loresmith_plugins.methods.distill.train import DistillTrainer

    return DistillTrainer(options, context)


def _footprint(options: DistillOptions) -> Footprint:
    return Footprint(models=(options.teacher["base"],) if options.kind == "logits" else ())


@hookimpl
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Register the method."""
    register(
        MethodSpec(
            name="distill",
            summary="Distillation: learns from a teacher its replies, its reasons, or its distribution of tokens",
            options=DistillOptions,
            build=_build,
            footprint=_footprint,
        )
    )
