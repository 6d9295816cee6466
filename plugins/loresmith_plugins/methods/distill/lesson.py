"""What a teacher gives a student to learn: its replies, or its reasons beside the examples' own answers."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loresmith.assistant.declines import Declines
from loresmith.assistant.prompt import assemble
from loresmith.errors import GateRefused
from loresmith.specs import StageContext
from loresmith.values import Example, Message
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.methods.distill import DistillOptions
from loresmith_plugins.methods.distill.filters import Filter
from loresmith_plugins.methods.distill.rationales import read_rationales
from loresmith_plugins.methods.distill.teacher import Teacher
from loresmith_plugins.training.asking import Question, Reply
from loresmith_plugins.training.prompt_file import read_prompts


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learnt.

    Args:
        train: Examples with the replies to learn.
        dev: Examples to measure on.
        reasons: Reasons for the replies of examples, by the examples' ids.
        told: Who taught, and what became of what was said; JSON-able.
        warnings: What the user should know.
    """

    train: Sequence[Example]
    dev: Sequence[Example]
    told: Mapping[str, Any]
    warnings: Sequence[str]
    reasons: Mapping[str, str] = field(default_factory=dict)


def lesson_of(options: DistillOptions, context: StageContext, chat: ChatFormat) -> Lesson:
    """Ask the teacher, or read what was asked before.

    Raises:
        DataError: If a file is wrong, or if questions do not fit the teacher's window.
        GateRefused: If nothing that was said is worth learning, or if the engine may spend no more.
        Interrupted: If the user wants to stop; what was answered is kept.
    """
    declines = Declines.of(context.train) if options.drop_refusals else None
    sieve = Filter(chat, options.longest, declines)
    return _replies(options, context, sieve) if options.kind == "replies" else _reasons(options, context, sieve)


def _replies(options: DistillOptions, context: StageContext, sieve: Filter) -> Lesson:
    """Learn p(y | x) of the y that the teacher gave (Kim and Rush, 2016, arXiv:1606.07947)."""
    more = read_prompts(context, options.prompts) if options.prompts else []
    own = _own_replies(context.train, options.gold, context.seed)
    asked = [e for e in (*context.train, *more, *context.dev) if e.answerable and e.id not in own]
    teacher = Teacher(options.teacher, context, options.asked_at_once)
    instructions = options.teacher_instructions or context.instructions
    replies = teacher.replies([Question(assemble(instructions, e.prompt), e.place or e.id) for e in asked])
    said = {e.id: reply.text for e, reply in zip(asked, replies, strict=True) if sieve.keeps(e, reply)}
    if asked and not said:
        raise GateRefused(
            f"nothing would be learnt of the teacher: {'; '.join(sieve.warnings())}",
            "Look into replies.jsonl in the stage's folder; raise `longest` or the teacher's max_tokens, or say what "
            "is wanted in `teacher_instructions`.",
        )
    asked_ids = {e.id for e in asked}
    train, dev = (
        [_answered(e, said[e.id]) if e.id in said else e for e in examples if e.id in said or e.id not in asked_ids]
        for examples in ((*context.train, *more), context.dev)
    )
    told = {
        **_told(teacher.described(), options, sieve),
        "own_replies": sum(e.id not in asked_ids for e in context.train),
    }
    return Lesson(train, dev or context.dev, told, sieve.warnings())


def _reasons(options: DistillOptions, context: StageContext, sieve: Filter) -> Lesson:
    """Distilling step-by-step: Hsieh et al., 2023, arXiv:2305.02301."""
    wanted = [e for e in context.train if e.answerable] if options.rationale_weight else []
    if options.rationales:
        known = read_rationales(context.root, options.rationales)
        wanted = [e for e in wanted if e.question.strip() in known]
        replies = [Reply(known[e.question.strip()], whole=True) for e in wanted]
        about: dict[str, Any] = {"file": options.rationales}
    else:
        teacher = Teacher(options.teacher, context, options.asked_at_once)
        replies = teacher.replies([_why(e, options, context) for e in wanted])
        about = teacher.described()
    reasons = {e.id: reply.text for e, reply in zip(wanted, replies, strict=True) if sieve.keeps(e, reply)}
    if options.rationale_weight and not reasons:
        raise GateRefused(
            f"there is no reason to learn for any of {len(context.train)} examples",
            "; ".join(sieve.warnings())
            or "The questions in `rationales` must be those of the examples, word for word.",
        )
    lacking = [f"reasons for {len(reasons)} of {len(context.train)} examples; the others teach their answer alone"]
    warnings = [*sieve.warnings(), *(lacking if options.rationale_weight and len(reasons) < len(context.train) else [])]
    return Lesson(context.train, context.dev, _told(about, options, sieve), warnings, reasons)


def _own_replies(examples: Sequence[Example], share: float, seed: int) -> set[str]:
    """Return the ids of the examples that keep their own reply."""
    ids = [example.id for example in examples]
    return set(random.Random(seed).sample(ids, round(len(ids) * share)))


def _answered(example: Example, reply: str) -> Example:
    """Return the example with the teacher's reply, which alone is learnt."""
    messages: list[Message] = [
        {"role": message["role"], "content": message["content"], "trained": False}
        if message["role"] == "assistant"
        else message
        for message in example.prompt
    ]
    return replace(example, messages=(*messages, {"role": "assistant", "content": reply}))


def _why(example: Example, options: DistillOptions, context: StageContext) -> Question:
    """Ask for the reasons of the right answer, which a teacher gets wrong less often than the answer itself."""
    told: Message = {"role": "assistant", "content": example.reply.strip()}
    request: Message = {"role": "user", "content": options.rationale_request}
    return Question([*assemble(context.instructions, example.prompt), told, request], example.place or example.id)


def _told(about: Mapping[str, Any], options: DistillOptions, sieve: Filter) -> dict[str, Any]:
    kept = sieve.looked_at - sieve.dropped.total()
    return {
        "teacher": dict(about),
        "terms": options.terms.strip(),
        "replies": {"said": sieve.looked_at, "kept": kept, "dropped": dict(sieve.dropped)},
    }
