from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations

import pytest

from loresmith.data.duplicates import SHORTEST, THRESHOLD, find_twins, near_pairs
from loresmith.values import Example


def shingles(text: str) -> set[str]:
    return {text[i : i + 5] for i in range(len(text) - 4)}


VOCABULARY = ["ferry", "dog", "fare", "sunday", "winter", "harbour", "ticket", "late", "refund", "child", "when"]


def drawn_words(chance: random.Random) -> set[str]:
    texts = {" ".join(chance.choices(VOCABULARY, k=chance.randint(3, 9))) for _ in range(150)}
    return texts | {text[:-2] + chance.choice("xyz") for text in texts}


def after_one_pattern(chance: random.Random) -> set[str]:
    parts = [(chance.randint(0, 30), chance.choice(VOCABULARY), chance.randint(0, 2000)) for _ in range(200)]
    return {f"where does the boat of {hour} past {word} wait, number {number}" for hour, word, number in parts}


@pytest.mark.parametrize("made", [drawn_words, after_one_pattern])
def test_the_join_finds_exactly_what_comparing_all_pairs_finds(made: Callable[[random.Random], set[str]]) -> None:
    texts = made(random.Random(5))
    long_enough = [text for text in texts if len(text) >= SHORTEST]
    brute = {
        frozenset((a, b))
        for a, b in combinations(long_enough, 2)
        if len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b)) >= THRESHOLD
    }
    assert brute
    assert len(brute) < len(long_enough) ** 2 / 4
    assert {frozenset(pair) for pair in near_pairs(sorted(texts))} == brute


def test_a_typo_makes_a_near_twin_and_another_order_of_words_does_not() -> None:
    asked = "how much does a return ticket to the outer island cost on a sunday"
    typo = "how much does a return ticket to the outer iland cost on a sunday"
    assert list(near_pairs([asked, typo]))
    assert not list(near_pairs(["how do i convert a string to a number", "how do i convert a number to a string"]))


def test_short_questions_are_compared_for_equality_only(example) -> None:  # type: ignore[no-untyped-def]
    twins = find_twins([example("Dogs aboard ok?"), example("dogs  aboard, OK"), example("dogs aboard oki")])
    assert twins.asked["dogs aboard ok"] == (0, 1)
    assert twins.near == ()


def test_the_first_turn_of_a_conversation_is_a_question_of_its_own(example) -> None:  # type: ignore[no-untyped-def]
    first = "May I take my dog on the late ferry?"
    longer = Example.of(
        [
            {"role": "user", "content": first},
            {"role": "assistant", "content": "Yes."},
            {"role": "user", "content": "And two?"},
            {"role": "assistant", "content": "No."},
        ]
    )
    assert find_twins([example(first), longer]).asked["may i take my dog on the late ferry"] == (0, 1)


def test_equal_follow_ups_to_different_questions_are_no_twins() -> None:
    def chat(opening: str) -> Example:
        turns = [opening, "It is so.", "and for children?", "Half."]
        roles = ["user", "assistant", "user", "assistant"]
        return Example.of([{"role": r, "content": t} for r, t in zip(roles, turns, strict=True)])  # type: ignore[misc]

    twins = find_twins([chat("fare to Vedrey"), chat("parking at Kesterhaven")])
    assert all(len(positions) == 1 for positions in twins.asked.values())
