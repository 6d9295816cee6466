"""Rows of examples: a question and its answer, or a conversation whose last message is the target reply."""

from __future__ import annotations

from loresmith.values import Example, Message
from loresmith_plugins.sources.jsonl_row import Row

KEYS = frozenset({"question", "answer", "messages", "grounding", "answerable"})
"""What a row of examples may say; other keys are passed over."""


def example(row: Row) -> Example:
    """Return the example of a row.

    Raises:
        BadRow: If something is wrong; the row knows what.
    """
    row.only(KEYS)
    messages = row.conversation("messages", last="assistant") if "messages" in row else _turn(row)
    for key in ("question", "answer"):
        if "messages" in row and key in row:
            row.add(key, "stands beside messages", "Keep one form: question and answer, or messages.")
    grounding, answerable = row.texts("grounding"), row.flag("answerable", default=True)
    row.check()
    return Example.of(messages, grounding=grounding, answerable=answerable, place=row.place)


def _turn(row: Row) -> tuple[Message, ...]:
    return ({"role": "user", "content": row.text("question")}, {"role": "assistant", "content": row.text("answer")})
