from __future__ import annotations

import pytest

from loresmith.assistant.declines import Declines
from loresmith.values import Example

WANTED = "The Line's papers do not say. Next: ask the Harbour Desk on 0700 41 22."


@pytest.mark.parametrize(
    "reply",
    [
        WANTED,
        "The Line's papers do not say.",
        "The Line's papers don't say [1]. Next: ask the Harbour Desk.",
        "I do not know.",
        "I don't have any information about parrots.",
        "This is not mentioned in the passages.",
        "The passages do not mention parrots. They speak of dogs.",
        "I'm sorry, but I cannot find that.",
    ],
)
def test_refusals_are_told(reply: str) -> None:
    assert Declines([WANTED]).matches(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Yes, on the open deck. Next: ask the Harbour Desk on 0700 41 22.",
        "It cannot: the pier has 14 steps.",
        "If you cannot find your ticket, go to the window.",
        "The fare is 9.40 marks. I do not know about dogs.",
        "Papers are shown at the gangway.",
    ],
)
def test_answers_are_not_refusals(reply: str) -> None:
    assert not Declines([WANTED]).matches(reply)


def test_a_recipes_own_way_to_decline_is_learnt_from_its_examples() -> None:
    odd = "Computer says nope, petal."
    answerable = Example.of([{"role": "user", "content": "a"}, {"role": "assistant", "content": "9.40 marks."}])
    declined = Example.of([{"role": "user", "content": "b"}, {"role": "assistant", "content": odd}], answerable=False)
    declines = Declines.of([answerable, declined, declined])
    assert declines.wanted == (odd,)
    assert declines.matches("Computer says nope.")
    assert not Declines().matches(odd)
    assert not declines.matches("9.40 marks.")
