"""What a supervised stage learns: the rows of each epoch, and those it is measured on."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from loresmith.errors import DataError, Problem
from loresmith.specs import Progress, StageContext
from loresmith.values import Example
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.methods.sft import MixOptions, SftOptions
from loresmith_plugins.methods.sft.blocks import blocks_of, divided
from loresmith_plugins.sources.jsonl import JsonlOptions, JsonlSource
from loresmith_plugins.training.rows import Row, encode, served

T = TypeVar("T")

FEW = 100
"""Fewer examples than this seldom teach more than prompting or retrieval gives."""


@dataclass(frozen=True, slots=True)
class Material:
    """Rows of a stage.

    Args:
        epochs: Rows to learn, epoch by epoch.
        dev: Rows that are never learnt.
        prompts: Of each dev row, the ids that an engine reads before it replies; none where rows are no conversations.
        warnings: What the user should know.
    """

    epochs: list[list[Row]]
    dev: list[Row]
    prompts: list[list[int]]
    warnings: tuple[str, ...]


def material_of(options: SftOptions, context: StageContext, chat: ChatFormat, window: int) -> Material:
    """Return what the stage learns.

    Raises:
        DataError: If rows cannot be read, do not fit the window, or have an empty reply.
    """
    made = _documents if options.objective == "documents" else _replies
    material = made(options, context, chat, window)
    if options.mix is None:
        return material
    general, warnings = _general(options.mix, options, context, chat, window)
    epochs = [
        [*rows, *_share(general, options.mix.share, len(rows), number, context.seed)]
        for number, rows in enumerate(material.epochs)
    ]
    return Material(epochs, material.dev, material.prompts, (*material.warnings, *warnings))


def _replies(options: SftOptions, context: StageContext, chat: ChatFormat, window: int) -> Material:
    def rows(examples: Sequence[Example], progress: Progress | None = None) -> list[Row]:
        last_only, looking = options.loss_on == "last", context.looking
        return encode(
            examples, context.instructions, chat, window, last_only=last_only, looking=looking, progress=progress
        )

    told = partial(context.progress, "writing the examples as the model reads them")
    train = _Forms.of(options, context, context.train).encoded(partial(rows, progress=told))
    held_out = _Forms.of(options, context, context.dev).epoch(0)
    few = (
        f"only {len(context.train)} examples to learn from: under {FEW}, demonstrations in the prompt (rung few-shot) "
        "or retrieval (rung rag) often do as well; the ladder will say"
    )
    return Material(
        epochs=[train.epoch(number) for number in range(math.ceil(options.epochs))],
        dev=rows(held_out),
        prompts=served(held_out, context.instructions, chat),
        warnings=(few,) if len(context.train) < FEW else (),
    )


def _documents(options: SftOptions, context: StageContext, chat: ChatFormat, window: int) -> Material:
    if options.block > window:
        problem = Problem(f"the model reads {window} tokens at once", key="block", hint="Lower it.")
        raise DataError(f"blocks of {options.block} tokens do not fit the window of the model", [problem])
    train, dev = divided(blocks_of(context.documents, chat, options.block), context.seed)
    return Material([train] * math.ceil(options.epochs), dev, [], ())


@dataclass(frozen=True, slots=True)
class _Forms(Generic[T]):
    """The examples, or their rows, in both forms: bare, and with passages in the prompt where the stage wants them."""

    plain: Sequence[T]
    with_passages: Sequence[T]
    share: float
    seed: int

    @staticmethod
    def of(options: SftOptions, context: StageContext, examples: Sequence[Example]) -> _Forms[Example]:
        made: Sequence[Example] = ()
        if options.passages:
            wanted = {"passages": options.passages, "without_right": options.without_right}
            maker = context.make("raft", wanted)
            made = maker.make(examples, context.seed) if maker else ()
        return _Forms(examples, made, options.plain if made else 1.0, context.seed)

    def encoded(self: _Forms[Example], encode: Callable[[Sequence[Example]], list[Row]]) -> _Forms[Row]:
        """Return the rows of both forms: each is made once, for all epochs."""
        rows = encode([*self.with_passages, *(self.plain if self._plain_each else ())])
        made = len(self.with_passages)
        return _Forms(rows[made:], rows[:made], self.share, self.seed)

    @property
    def _plain_each(self) -> int:
        """How many of the bare examples an epoch has."""
        return round(len(self.plain) * self.share)

    def epoch(self, number: int) -> list[T]:
        """Return what an epoch has: all with passages, and a share of those without.

        The share moves on with every epoch, so that in time each example is seen both ways.
        """
        return [*self.with_passages, *_window(self.plain, self._plain_each, number, self.seed)]


def _general(
    mix: MixOptions, options: SftOptions, context: StageContext, chat: ChatFormat, window: int
) -> tuple[list[Row], list[str]]:
    """Return the rows of general examples that fit the window, and a warning about those that do not."""
    examples: Sequence[Example] = JsonlSource(JsonlOptions(path=mix.path), context.root).read("examples")  # type: ignore[assignment]
    last_only = options.loss_on == "last"
    rows = encode(examples, context.instructions, chat, 10**9, last_only=last_only)
    fit = [row for row in rows if len(row.ids) <= window]
    left_out = len(rows) - len(fit)
    if not fit:
        problem = Problem(f"none has at most {window} tokens", mix.path, hint="Use shorter ones.")
        raise DataError("no general example fits the window of the model", [problem])
    said = f"{left_out} of {len(rows)} general examples in {mix.path} are left out: the model reads {window} tokens"
    return fit, [said] if left_out else []


def _share(general: Sequence[Row], share: float, own: int, number: int, seed: int) -> list[Row]:
    """Return the general rows of an epoch: `share` of all its rows, other ones in every epoch."""
    return _window(general, max(1, round(own * share / (1 - share))), number, seed)


def _window(items: Sequence[T], count: int, number: int, seed: int) -> list[T]:
    """Return `count` of the shuffled items, going on with each number where the one before ended."""
    order = random.Random(seed).sample(list(items), len(items))
    return [order[(number * count + i) % len(order)] for i in range(count)]
