"""How long the rows of a project are, before anything is rendered or trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loresmith.assistant.prompt import INTRODUCTION
from loresmith.estimate.plan import Rows
from loresmith.values import Example, Message, Preference

CHARACTERS = 3.5
"""Characters of a token in English text, rather few: a row is better thought too long than too short."""

TEMPLATE = 6
"""Tokens that a chat template puts around a turn."""

Count = Callable[[str], int]


def assumed(length: int, source: str) -> Rows:
    """Return rows of a length, half of it trained, with no common beginning."""
    return Rows(length, length / 2, 0, source)


def counter(folder: Path | None) -> tuple[Count, str]:
    """Return what counts the tokens of a text, and its name: the model's tokenizer if it is here, else characters."""
    file = folder / "tokenizer.json" if folder else None
    if file is not None and file.is_file():
        try:
            from tokenizers import Tokenizer

            tokenizer: Any = Tokenizer.from_file(str(file))
        # A tokenizer that this release cannot read raises a plain Exception; the training itself will say so.
        except Exception:  # noqa: BLE001
            return _by_characters, "characters"
        return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids), "the model's tokenizer"
    return _by_characters, "characters"


def of_examples(examples: Sequence[Example], instructions: str, passages: int, count: Count, batch: int) -> Rows:
    """Return the rows of the batch that is longest.

    Args:
        examples: All that may be learnt from.
        instructions: The system prompt, with which every row begins.
        passages: Characters of the passages that a stage puts into a prompt.
        count: Counts the tokens of a text.
        batch: Rows of a batch.
    """
    shared = count(instructions.strip()) + TEMPLATE if instructions.strip() else 0
    more = count(INTRODUCTION) + round(passages / CHARACTERS) if passages else 0
    pairs = [
        (_tokens(example.prompt, count) + more, count(example.reply) + TEMPLATE // 2 + TEMPLATE) for example in examples
    ]
    return _longest(pairs, shared, batch, f"{len(examples)} examples")


def of_preferences(preferences: Sequence[Preference], instructions: str, count: Count, batch: int) -> Rows:
    """Return the rows of the batch that is longest; a pair counts as its longer reply, twice."""
    shared = count(instructions.strip()) + TEMPLATE if instructions.strip() else 0
    pairs = [
        (_tokens(each.prompt, count), max(map(count, _replies(each)), default=0) + TEMPLATE) for each in preferences
    ]
    return replace(_longest(pairs, shared, batch, f"{len(preferences)} preferences"), shared=0)


def within(rows: Rows, window: int) -> Rows:
    """Return rows that are no longer than what the model reads."""
    length = min(rows.length, window)
    return replace(rows, length=length, trained=min(rows.trained, length), shared=min(rows.shared, length))


def _longest(pairs: Iterable[tuple[int, int]], shared: int, batch: int, source: str) -> Rows:
    longest = sorted(pairs, key=sum, reverse=True)[:batch]
    trained = sum(reply for _, reply in longest) / max(1, len(longest))
    return Rows(shared + max(map(sum, longest), default=0), trained, shared, source)


def _tokens(messages: Sequence[Message], count: Count) -> int:
    return sum(count(message["content"]) + TEMPLATE for message in messages if message["role"] != "system")


def _replies(preference: Preference) -> list[str]:
    return [reply for reply in (preference.chosen, preference.rejected, preference.reply) if reply]


def _by_characters(text: str) -> int:
    return round(len(text) / CHARACTERS)
