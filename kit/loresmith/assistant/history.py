"""Conversations of several turns: how much of what was said goes on to the model."""

from __future__ import annotations

from collections.abc import Sequence

from loresmith.values import Message

HISTORY_TOKENS = 800
"""Tokens of earlier turns that go into a prompt; at 300 tokens read a second they cost under three seconds."""

CHARACTERS_PER_TOKEN = 4
"""Rule of thumb for English text; the exact count needs the model's tokenizer, which only the engine has."""


def recent(conversation: Sequence[Message], tokens: int = HISTORY_TOKENS) -> list[Message]:
    """Return the last turns whose history fits the budget; whole exchanges are dropped, the oldest first.

    The last turn is always kept, and what is kept begins with a turn of the user.
    """
    *history, last = conversation
    room = tokens * CHARACTERS_PER_TOKEN
    kept: list[Message] = []
    for message in reversed(history):
        room -= len(message["content"])
        if room < 0:
            break
        kept.insert(0, message)
    while kept and kept[0]["role"] != "user":
        kept.pop(0)
    return [*kept, last]
