"""How often replies break a rule that no critic has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loresmith.assistant.prompt import assemble
from loresmith.evidence.sentences import sentences
from loresmith.specs import Engine
from loresmith.words import words

Rule = Callable[[str], bool]
"""Whether a reply keeps to it."""


def violation_rate(engine: Engine, instructions: str, questions: Sequence[str], kept: Rule) -> float:
    """Return the share of the questions whose replies break the rule."""
    said = engine.complete([assemble(instructions, [{"role": "user", "content": q}]) for q in questions])
    return sum(not kept(reply.text) for reply in said) / len(questions)


def in_harbour_style(reply: str) -> bool:
    """The sample domain's house style: the last sentence begins with Next:, and nothing is called a ticket."""
    spans = sentences(reply)
    last = reply[slice(*spans[-1])].strip() if spans else ""
    return last.startswith("Next:") and not {"ticket", "tickets"} & set(words(reply))
