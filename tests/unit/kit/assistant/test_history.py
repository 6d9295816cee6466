from __future__ import annotations

from loresmith.assistant.history import recent
from loresmith.values import Message


def talk(*turns: str) -> list[Message]:
    return [{"role": "assistant" if n % 2 else "user", "content": turn} for n, turn in enumerate(turns)]


def test_the_oldest_exchanges_go_first_and_whole() -> None:
    conversation = talk("a" * 40, "b" * 40, "c" * 40, "d" * 40, "e" * 400)
    assert recent(conversation, tokens=20) == conversation[2:]
    assert recent(conversation, tokens=30) == conversation[2:]
    assert recent(conversation, tokens=5) == conversation[-1:]
    assert recent(conversation) == conversation
