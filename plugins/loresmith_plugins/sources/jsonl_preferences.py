"""Rows of preferences: a prompt with a chosen and a rejected reply, or with one reply that was liked or not."""

from __future__ import annotations

from loresmith.values import Message, Preference, content_hash
from loresmith_plugins.sources.jsonl_row import Row

KEYS = frozenset({"prompt", "chosen", "rejected", "reply", "liked"})
"""What a row of preferences may say; other keys are passed over."""


def preference(row: Row) -> Preference:
    """Return the preference of a row.

    Raises:
        BadRow: If something is wrong; the row knows what.
    """
    row.only(KEYS)
    prompt = row.prompt("prompt")
    if "reply" in row or "liked" in row:
        return _judged(row, prompt)
    return _compared(row, prompt)


def _compared(row: Row, prompt: tuple[Message, ...]) -> Preference:
    chosen, rejected = row.text("chosen"), row.text("rejected")
    if chosen and chosen == rejected:
        row.add("rejected", "is the same as chosen", "Remove the row: it prefers nothing.")
    row.check()
    return Preference(_id(prompt, chosen, rejected), prompt, chosen=chosen, rejected=rejected, place=row.place)


def _judged(row: Row, prompt: tuple[Message, ...]) -> Preference:
    for key in ("chosen", "rejected"):
        if key in row:
            row.add(key, "stands beside reply or liked", "Keep one form: chosen and rejected, or reply and liked.")
    reply, liked = row.text("reply"), row.flag("liked")
    row.check()
    return Preference(_id(prompt, reply, str(liked)), prompt, reply=reply, liked=liked, place=row.place)


def _id(prompt: tuple[Message, ...], *parts: str) -> str:
    turns = [part for message in prompt for part in (message["role"], message["content"])]
    return content_hash(*turns, *parts)[:16]
