"""The second phase: the critic says which of two replies it prefers, asked in both orders so that position cancels.

p = (p(A | first as A) + p(B | first as B)) / 2 is the probability that the first reply is the better one, with
p(A) = exp l_A / (exp l_A + exp l_B) of the log-probabilities of the two letters, as in RLAIF (Lee et al., 2023,
arXiv:2309.00267). A critic that tells no probabilities chooses a letter, which counts only if both orders agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from loresmith_plugins.methods.constitutional.constitution import Constitution, Principle
from loresmith_plugins.methods.constitutional.conversations import choice_of
from loresmith_plugins.methods.constitutional.critique import drawn
from loresmith_plugins.methods.constitutional.prompts import Prompt
from loresmith_plugins.training.asking import LETTERS, Asking, Question

Choice = tuple[float, float] | str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt with two replies to it."""

    prompt: Prompt
    replies: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """Which reply of a pair is preferred: `first` is the probability that the first one is, None if orders disagree."""

    pair: Pair
    principle: str
    first: float | None

    def preferred(self, margin: float) -> bool:
        """Whether the label says enough: its probability is further than `margin` from a half."""
        return self.first is not None and abs(self.first - 0.5) > margin

    def to_json(self) -> dict[str, Any]:
        """Return the row of `preferences.jsonl`."""
        assert self.first is not None
        one, other = self.pair.replies if self.first > 0.5 else self.pair.replies[::-1]
        return {
            "prompt": [{"role": m["role"], "content": m["content"]} for m in self.pair.prompt.messages],
            "chosen": one,
            "rejected": other,
            "probability": round(max(self.first, 1 - self.first), 6),
            "principle": self.principle,
        }


@dataclass(frozen=True, slots=True)
class Judge:
    """Labels pairs by a constitution.

    Args:
        asking: The engine that is asked.
        constitution: The principles; those with a question of two replies are drawn from.
        instructions: What the assistant itself is told.
        seed: Draws the principles.
    """

    asking: Asking
    constitution: Constitution
    instructions: str
    seed: int

    def labels(self, pairs: Sequence[Pair], enough: Callable[[], bool]) -> Iterator[list[Label]]:
        """Yield labels, some at a time, until `enough` says that no more may be asked."""
        size = self.asking.at_once
        for start in range(0, len(pairs), size):
            if enough():
                return
            yield self._labelled(pairs[start : start + size])

    def _labelled(self, pairs: Sequence[Pair]) -> list[Label]:
        principles = [drawn(self.constitution.preferring, self.seed, pair.prompt, 0) for pair in pairs]
        both = list(zip(pairs, principles, strict=True))
        orders = [self._question(*one, "A") for one in both] + [self._question(*one, "B") for one in both]
        said = self.asking.choices(orders)
        as_a, as_b = said[: len(pairs)], said[len(pairs) :]
        return [
            Label(pair, principle.name, first_preferred(a, b))
            for (pair, principle), a, b in zip(both, as_a, as_b, strict=True)
        ]

    def _question(self, pair: Pair, principle: Principle, first_as: str) -> Question:
        replies = pair.replies if first_as == LETTERS[0] else (pair.replies[1], pair.replies[0])
        asked = choice_of(self.constitution, principle, self.instructions, pair.prompt.messages, replies)
        return Question(asked, f"{pair.prompt.place}, {principle.name}: preference, first as {first_as}")


def first_preferred(as_a: Choice, as_b: Choice) -> float | None:
    """Return the probability that the first reply is the better one, from the choices with it as A and as B.

    The log-odds of both orders are averaged: a leaning towards a letter, which a small critic has more of than of
    anything else, is the same summand in both and cancels. Averaged probabilities would be squashed by it.
    Letters give 1 or 0 where they agree on a reply, and None elsewhere.
    """
    if isinstance(as_a, tuple) and isinstance(as_b, tuple):
        odds = (as_a[0] - as_a[1] + as_b[1] - as_b[0]) / 2
        return 1 / (1 + math.exp(-max(-700.0, min(700.0, odds))))
    if as_a not in LETTERS or as_b not in LETTERS or as_a == as_b:
        return None
    return 1.0 if as_a == "A" else 0.0
