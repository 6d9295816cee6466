"""The first phase: the model answers, the critic criticises by a principle and revises, in rounds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from loresmith_plugins.methods.constitutional.constitution import Constitution, Principle
from loresmith_plugins.methods.constitutional.conversations import bare, critique_of, revision_of
from loresmith_plugins.methods.constitutional.prompts import Prompt
from loresmith_plugins.training.asking import Asking, Question


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of critique and revision. `kept` is False where the revision was empty or cut off, and so not taken."""

    principle: str
    critique: str
    revision: str
    kept: bool


@dataclass(slots=True)
class Revised:
    """A prompt with its first reply, and what became of it."""

    prompt: Prompt
    first: str
    last: str
    rounds: list[Round] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether a revision was taken at all; a reply that no critic got hold of is not learnt."""
        return any(each.kept for each in self.rounds)

    def to_json(self) -> dict[str, Any]:
        """Return the row of `critiques.jsonl`."""
        return {
            "id": self.prompt.id,
            "place": self.prompt.place,
            "prompt": [{"role": m["role"], "content": m["content"]} for m in self.prompt.messages],
            "reply": self.first,
            "rounds": [
                {"principle": r.principle, "critique": r.critique, "revision": r.revision, "kept": r.kept}
                for r in self.rounds
            ],
            "final": self.last if self.usable else None,
        }


@dataclass(frozen=True, slots=True)
class Critic:
    """Revises replies by a constitution.

    Args:
        asking: The engine that criticises and revises.
        constitution: The principles.
        instructions: What the assistant itself is told.
        rounds: Times each reply is criticised and revised.
        seed: Draws the principles.
    """

    asking: Asking
    constitution: Constitution
    instructions: str
    rounds: int
    seed: int

    def revised(
        self, prompts: Sequence[Prompt], replies: Sequence[str], enough: Callable[[], bool]
    ) -> Iterator[list[Revised]]:
        """Yield prompts with their revised replies, some at a time, until `enough` says that no more may be asked."""
        size = self.asking.at_once
        waiting = self._like_together(list(zip(prompts, replies, strict=True)))
        for start in range(0, len(waiting), size):
            if enough():
                return
            items = [Revised(prompt, reply, reply) for prompt, reply in waiting[start : start + size]]
            for number in range(self.rounds):
                self._round(items, number)
            yield items

    def _like_together(self, waiting: Sequence[tuple[Prompt, str]]) -> list[tuple[Prompt, str]]:
        """Bring those of one principle together: its demonstrations are then read once for all that are asked at once.

        Only within a stretch, so that a budget which ends the asking has been spent on all principles.
        """
        stretch, first = self.asking.at_once * len(self.constitution.principles), self.constitution.principles.index
        return [
            one
            for start in range(0, len(waiting), stretch)
            for one in sorted(
                waiting[start : start + stretch],
                key=lambda each: first(drawn(self.constitution.principles, self.seed, each[0], 0)),
            )
        ]

    def _round(self, items: Sequence[Revised], number: int) -> None:
        principles = [drawn(self.constitution.principles, self.seed, item.prompt, number) for item in items]
        about = [f"{i.prompt.place}, round {number + 1}, {p.name}" for i, p in zip(items, principles, strict=True)]
        asked = [
            critique_of(self.constitution, principle, self.instructions, item.prompt.messages, item.last)
            for item, principle in zip(items, principles, strict=True)
        ]
        critiques = self.asking.replies([Question(c, f"{a}: critique") for c, a in zip(asked, about, strict=True)])
        again = [
            Question(revision_of(c, said.text, principle), f"{a}: revision")
            for c, said, principle, a in zip(asked, critiques, principles, about, strict=True)
        ]
        revisions = self.asking.replies(again)
        for item, principle, critique, revision in zip(items, principles, critiques, revisions, strict=True):
            text = bare(revision.text)
            kept = bool(text) and revision.whole
            item.rounds.append(Round(principle.name, critique.text, text, kept))
            item.last = text if kept else item.last


def drawn(principles: Sequence[Principle], seed: int, prompt: Prompt, number: int) -> Principle:
    """Return the principle of a round: those of one prompt differ until all were drawn."""
    order = random.Random(f"{seed}:{prompt.id}").sample(list(principles), len(principles))
    return order[number % len(order)]
