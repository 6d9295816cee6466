from __future__ import annotations

from typing import Any

import pytest

from fake_parts import FakeEngine
from loresmith.knowledge.queries import QueryMaker, condensed_by_rule
from loresmith.recipe.models import Queries
from loresmith.specs import Engine
from loresmith.values import Message, Weights

TALK = ("How much is a dog on Red?", "Free.", "and a cat?")


def talk(*turns: str) -> list[Message]:
    return [{"role": "assistant" if n % 2 else "user", "content": turn} for n, turn in enumerate(turns)]


def maker(engine: FakeEngine | None = None, **settings: Any) -> QueryMaker:
    def needed() -> Engine:
        assert engine is not None, "no engine is needed here"
        return engine

    return QueryMaker(Queries(**settings), needed)


def test_a_short_question_is_searched_for_with_the_one_before() -> None:
    assert condensed_by_rule(talk(*TALK)) == "How much is a dog on Red? and a cat?"
    assert maker().condensed([talk(*TALK)]) == ["How much is a dog on Red? and a cat?"]


def test_a_long_question_is_searched_for_alone() -> None:
    question = "What must I pay for two adults and a cat on the late boat?"
    assert condensed_by_rule(talk("How much is a dog?", "Free.", question)) == question
    assert condensed_by_rule(talk("a dog?")) == "a dog?"


@pytest.mark.parametrize("off", ["off", False])
def test_off_searches_for_the_last_question_as_it_is(off: Any) -> None:
    assert maker(condense=off).condensed([talk(*TALK)]) == ["and a cat?"]


def test_the_engine_rewrites_follow_up_questions_alone_and_with_its_base_weights() -> None:
    engine = FakeEngine('Question: "How much is a cat on Red?"')
    engine.use(Weights(adapter=None, model=None))
    queries = maker(engine, condense="engine").condensed([talk("a dog?"), talk(*TALK)])
    assert queries == ["a dog?", "How much is a cat on Red?"]
    ((weights, (asked,)),) = engine.calls
    assert weights == Weights()
    assert "User: How much is a dog on Red?\nAssistant: Free.\nLast question: and a cat?" in asked[-1]["content"]


@pytest.mark.parametrize("reply", ["", "\n", "Sure! Here is what I think of parrots and pigeons.", "cat " * 61])
def test_what_is_no_question_of_this_conversation_falls_back_to_the_rule(reply: str) -> None:
    queries = maker(FakeEngine(reply), condense="engine").condensed([talk(*TALK)])
    assert queries == ["How much is a dog on Red? and a cat?"]


def test_other_ways_to_ask_come_after_the_query_each_once() -> None:
    engine = FakeEngine("1. What does a dog cost?\n2) a DOG?\n- Dog fare\n\n4. one too many")
    assert maker(engine, multi=2).variants(["a dog?"]) == [["a dog?", "What does a dog cost?", "Dog fare"]]
    assert maker().variants(["a dog?"]) == [["a dog?"]]
