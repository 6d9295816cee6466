from __future__ import annotations

from collections.abc import Callable

import pytest

from loresmith.data.preference_sides import divide
from loresmith.data.split import FrozenSplit
from loresmith.values import Example, Preference


def pair(question: str, number: int = 0) -> Preference:
    return Preference(f"{question}{number}", ({"role": "user", "content": question},), chosen="yes", rejected="no")


@pytest.fixture
def split(example: Callable[..., Example]) -> FrozenSplit:
    asked = [example("How much does the crossing cost for a grown-up?"), example("May I bring a dog aboard?")]
    return FrozenSplit(train=(example("When does it sail?"),), dev=(asked[1],), test=(asked[0],), groups=3, remarks=())


PAIRS = [pair(f"question number {n} about something of its own") for n in range(200)]


def test_about_the_share_is_held_out_and_nothing_is_on_both_sides(split: FrozenSplit) -> None:
    sides = divide(PAIRS, split, 0.2, 13)
    assert 20 <= len(sides.held_out) <= 60
    assert {p.id for p in sides.train} | {p.id for p in sides.held_out} == {p.id for p in PAIRS}
    assert not {p.id for p in sides.train} & {p.id for p in sides.held_out}


def test_added_rows_move_none_to_the_other_side(split: FrozenSplit) -> None:
    few, all_of_them = divide(PAIRS[:50], split, 0.2, 13), divide(PAIRS, split, 0.2, 13)
    assert {p.id for p in few.held_out} == {p.id for p in all_of_them.held_out} & {p.id for p in PAIRS[:50]}


def test_another_seed_holds_out_others(split: FrozenSplit) -> None:
    assert divide(PAIRS, split, 0.2, 13).held_out != divide(PAIRS, split, 0.2, 14).held_out


def test_preferences_of_one_prompt_stay_together(split: FrozenSplit) -> None:
    sides = divide([pair(p.prompt[0]["content"], n) for p in PAIRS for n in range(3)], split, 0.2, 13)
    assert not {p.prompt[0]["content"] for p in sides.train} & {p.prompt[0]["content"] for p in sides.held_out}


@pytest.mark.parametrize("share", [0.0, 0.001])
def test_what_a_held_out_example_asks_is_never_learnt(split: FrozenSplit, share: float) -> None:
    asked = [
        pair("how much does the crossing cost for a grown-up"),
        pair("How much does the crossing cost, for a grown-up??"),
        pair("May I bring a dog aboard?"),
    ]
    sides = divide([*asked, pair("When does it sail?")], split, share, 13)
    assert {p.id for p in asked} <= {p.id for p in sides.held_out}
    assert [p.prompt[0]["content"] for p in sides.train] == ["When does it sail?"]
