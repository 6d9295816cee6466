"""From examples to rows of token ids, and the receipt of what they train."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from loresmith.assistant.prompt import assemble
from loresmith.errors import DataError, GateRefused, Problem
from loresmith.specs import MaskReceipt, Progress
from loresmith.values import Example, Message
from loresmith_plugins.engines.transformers.chat_format import ChatFormat

T = TypeVar("T")
SAMPLES = 6
"""Rendered examples kept in a receipt."""
TOLD = 100
"""Examples after each of which it is told how far it is."""


@dataclass(frozen=True, slots=True)
class Row:
    """One example as the model reads it: token ids, and for each whether it enters the loss.

    Args:
        cut: Tokens at the end that do not fit the window; such a row is there to be looked at, and never trained.
    """

    ids: tuple[int, ...]
    trained: tuple[bool, ...]
    place: str
    cut: int = 0

    @property
    def trained_tokens(self) -> int:
        """How many tokens enter the loss; the first one of a row never does, for nothing comes before it."""
        return sum(self.trained[1:])


def encode(
    examples: Sequence[Example],
    instructions: str,
    chat: ChatFormat,
    window: int,
    *,
    last_only: bool = False,
    looking: bool = False,
    progress: Progress | None = None,
) -> list[Row]:
    """Return one row an example, in order.

    Args:
        examples: The examples; all replies that are not marked as untrained enter the loss.
        instructions: The system prompt.
        chat: The model's chat format.
        window: How many tokens the model reads.
        last_only: Let the last reply alone enter the loss.
        looking: Let through what does not fit the window, and say how much of it that is.
        progress: Told how many are done.

    Raises:
        DataError: If examples do not fit the window, or have a reply with nothing in it; all of them are named.
    """
    rows, empty, long = [], [], []
    for number, example in enumerate(examples, start=1):
        ids, trained = chat.training_ids(_conversation(example, instructions, last_only=last_only))
        if not example.reply.strip():
            hint = "Write the reply, or remove the example: a model learns from it to say nothing."
            empty.append(_problem("the reply is empty", example, hint))
        if len(ids) > window:
            what = f"the example has {len(ids)} tokens; the model reads {window}"
            long.append(_problem(what, example, "Shorten it, or split it into several."))
        rows.append(Row(tuple(ids), tuple(trained), example.place, max(0, len(ids) - window)))
        if progress and (number % TOLD == 0 or number == len(examples)):
            progress(number, len(examples))
    if empty:
        raise DataError("examples have an empty reply", _in_order(empty))
    if long and not looking:
        raise DataError("examples do not fit the window of the model", _in_order(long))
    return rows


def served(examples: Sequence[Example], instructions: str, chat: ChatFormat) -> list[list[int]]:
    """Return the token ids that the engine reads for each example, without its reply."""
    return [chat.prompt_ids(assemble(instructions, example.prompt)) for example in examples]


def receipt(
    rows: Sequence[Row], chat: ChatFormat, *, replies: bool = True, warnings: Sequence[str] = ()
) -> MaskReceipt:
    """Say what `rows` train.

    Args:
        rows: The rows of an epoch.
        chat: The model's chat format.
        replies: Whether rows end with a reply, whose end of turn must then enter the loss.
        warnings: What the user should know before the first step.

    Raises:
        GateRefused: If no token would enter the loss, or if a reply's end of turn would not.
    """
    trained = sum(row.trained_tokens for row in rows)
    whole = sum(len(row.ids) for row in rows)
    if not trained:
        raise GateRefused(
            f"nothing would be trained: none of {whole} tokens in {len(rows)} examples enters the loss",
            "Look at the replies of the examples: are they empty, or all marked as not trained?",
        )
    endless = [row.place for row in rows if replies and row.trained_tokens and not _ends_trained(row, chat)]
    if endless:
        raise GateRefused(
            f"the model would never stop: no known end of turn is trained in {len(endless)} of {len(rows)} examples, "
            f"the first at {endless[0]}",
            "The chat template ends a turn otherwise than generation_config.json says: set eos_token_id there.",
        )
    return MaskReceipt(
        trained_tokens=trained,
        masked_tokens=whole - trained,
        eos_trained=True,
        examples=len(rows),
        longest=max(len(row.ids) for row in rows),
        samples=tuple(tuple(_runs(row, chat)) for row in rows[:: max(1, len(rows) // SAMPLES)][:SAMPLES]),
        warnings=tuple(warnings),
    )


def length_grouped_batches(
    rows: Sequence[T],
    size: int,
    chance: random.Random,
    length: Callable[[T], int] = lambda row: len(row.ids),  # type: ignore[attr-defined]
) -> list[list[T]]:
    """Return the rows of an epoch in batches of like length, batches in random order.

    Rows are shuffled, sorted by length within pools of 16 batches, and cut: little padding, other company every epoch.
    """
    shuffled = chance.sample(list(rows), len(rows))
    pool = size * 16
    batches = []
    for start in range(0, len(shuffled), pool):
        by_length = sorted(shuffled[start : start + pool], key=length, reverse=True)
        batches += [by_length[i : i + size] for i in range(0, len(by_length), size)]
    return chance.sample(batches, len(batches))


def shuffled_batches(rows: Sequence[Row], size: int, chance: random.Random) -> list[list[Row]]:
    """Return the rows of an epoch in batches of any length, in random order: for rows that need no padding."""
    shuffled = chance.sample(list(rows), len(rows))
    return [shuffled[start : start + size] for start in range(0, len(shuffled), size)]


def _conversation(example: Example, instructions: str, *, last_only: bool) -> list[Message]:
    """Return the messages as they are served, with the target reply; turns marked as not trained stay so."""
    shown = assemble(instructions, example.prompt)
    turns = [message for message in example.prompt if message["role"] != "system"]
    for message, original in zip(shown[1:], turns, strict=True):
        message["trained"] = original.get("trained", True) and not last_only
    return [*shown, example.messages[-1]]


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Return problems by place, each once: with and without passages an example is two rows."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line))


def _problem(what: str, example: Example, hint: str) -> Problem:
    file, _, line = example.place.rpartition(":")
    return Problem(what, file or example.place, int(line) if line.isdigit() else 0, hint=hint)


def _ends_trained(row: Row, chat: ChatFormat) -> bool:
    return row.trained[-1] and row.ids[-1] in chat.eos_ids


def _runs(row: Row, chat: ChatFormat) -> Iterator[tuple[str, bool | None]]:
    fits = len(row.ids) - row.cut
    marks = [*row.trained[:fits], *(None for _ in range(row.cut))]
    start = 0
    for i in range(1, len(row.ids) + 1):
        if i == len(row.ids) or marks[i] != marks[start]:
            yield str(chat.tokenizer.decode(list(row.ids[start:i]))), marks[start]
            start = i
