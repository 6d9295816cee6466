"""Rows of examples: a question and its answer, or a conversation whose last message is the target reply."""

from __future__ import annotations

from loresmith.values import Example, Message
from loresmith_plugins.sources.jsonl_foreign import ALPACA, SHAREGPT, instructed, shared
from loresmith_plugins.sources.jsonl_row import Row

KEYS = frozenset({"question", "answer", "messages", "grounding", "answerable", SHAREGPT, *ALPACA})
"""What a row of examples may say; other keys are passed over."""

_FORMS = {"messages": "messages", SHAREGPT: SHAREGPT, "instruction": "instruction and output"}


def example(row: Row) -> Example:
    """Return the example of a row.

    Raises:
        BadRow: If something is wrong; the row knows what.
    """
    row.only(KEYS)
    form = next((key for key in _FORMS if key in row), "question")
    messages = _messages(row, form)
    for key in ("question", "answer", *_FORMS):
        if form in _FORMS and key != form and key in row:
            row.add(key, f"stands beside {form}", f"Keep one form: question and answer, or {_FORMS[form]}.")
    grounding, answerable = row.texts("grounding"), row.flag("answerable", default=True)
    row.check()
    return Example.of(messages, grounding=grounding, answerable=answerable, place=row.place)


def _messages(row: Row, form: str) -> tuple[Message, ...]:
    if form == "messages":
        return row.conversation("messages", last="assistant")
    if form == SHAREGPT:
        return shared(row)
    if form == "instruction":
        return instructed(row)
    return ({"role": "user", "content": row.text("question")}, {"role": "assistant", "content": row.text("answer")})
