from __future__ import annotations

from loresmith.assistant.history import recent, retrieval_query
from loresmith.values import Message


def talk(*turns: str) -> list[Message]:
    return [{"role": "assistant" if n % 2 else "user", "content": turn} for n, turn in enumerate(turns)]


def test_a_short_question_is_searched_for_with_the_one_before() -> None:
    assert (
        retrieval_query(talk("How much is a dog on Red?", "Free.", "and a cat?"))
        == "How much is a dog on Red? and a cat?"
    )


def test_a_long_question_is_searched_for_alone() -> None:
    question = "What must I pay for two adults and a cat on the late boat?"
    assert retrieval_query(talk("How much is a dog?", "Free.", question)) == question
    assert retrieval_query(talk("a dog?")) == "a dog?"


def test_the_oldest_exchanges_go_first_and_whole() -> None:
    conversation = talk("a" * 40, "b" * 40, "c" * 40, "d" * 40, "e" * 400)
    assert recent(conversation, tokens=20) == conversation[2:]
    assert recent(conversation, tokens=30) == conversation[2:]
    assert recent(conversation, tokens=5) == conversation[-1:]
    assert recent(conversation) == conversation
