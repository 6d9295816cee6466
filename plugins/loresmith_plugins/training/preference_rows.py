"""From preferences to rows of token ids, as the engine reads and writes them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from loresmith.assistant.prompt import assemble
from loresmith.errors import DataError, Problem
from loresmith.values import Preference
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.training.options import LoopOptions
from loresmith_plugins.training.rows import Row, length_grouped_batches


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt with two replies, as token ids; each reply ends with its end of turn."""

    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]
    place: str

    def sides(self) -> tuple[Row, Row]:
        """Return the two conversations as rows: chosen, rejected."""
        chosen, rejected = (reply_row(self.prompt, reply, self.place) for reply in (self.chosen, self.rejected))
        return chosen, rejected

    def __len__(self) -> int:
        return len(self.prompt) + max(len(self.chosen), len(self.rejected))


@dataclass(frozen=True, slots=True)
class Thumb:
    """One prompt with one reply that was liked or not, as token ids."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]
    liked: bool
    place: str

    def __len__(self) -> int:
        return len(self.prompt) + len(self.reply)


T = TypeVar("T", Pair, Thumb)


class PreferenceRows:
    """Encodes preferences: what a model would be served, then the reply with its end of turn.

    Args:
        instructions: The system prompt.
        chat: The format of the model.
        window: Tokens the model reads at once.
    """

    def __init__(self, instructions: str, chat: ChatFormat, window: int) -> None:
        self._instructions, self.chat, self._window = instructions, chat, window

    def pairs(self, preferences: Sequence[Preference]) -> list[Pair]:
        """Return the pairs that prefer something, in order; equal or empty replies are left out.

        Raises:
            DataError: If pairs do not fit the window; all of them are named.
        """
        some = [p for p in preferences if prefers(p) and not is_empty(p)]
        rows = []
        for one in some:
            prompt, chosen, rejected = self._ids(one, one.chosen, one.rejected)
            rows.append(Pair(prompt, chosen, rejected, one.place))
        self._refuse_long(rows)
        return rows

    def thumbs(self, preferences: Sequence[Preference]) -> list[Thumb]:
        """Return the judged replies, in order; raises as `pairs`."""
        some = [p for p in preferences if p.liked is not None and p.reply.strip()]
        rows = []
        for one in some:
            prompt, reply = self._ids(one, one.reply)
            rows.append(Thumb(prompt, reply, bool(one.liked), one.place))
        self._refuse_long(rows)
        return rows

    def _ids(self, preference: Preference, *replies: str) -> list[tuple[int, ...]]:
        """Return the ids of the prompt and of each reply."""
        shown = assemble(self._instructions, preference.prompt)
        for message in shown:
            message["trained"] = False
        prompt = self.chat.prompt_ids(shown)
        whole = [self.chat.training_ids([*shown, {"role": "assistant", "content": reply}])[0] for reply in replies]
        return [tuple(prompt), *(tuple(ids[len(prompt) :]) for ids in whole)]

    def _refuse_long(self, rows: Sequence[Pair] | Sequence[Thumb]) -> None:
        problems = []
        for row in rows:
            if len(row) > self._window:
                file, _, line = row.place.rpartition(":")
                what = f"prompt and reply have {len(row)} tokens; the model reads {self._window}"
                number = int(line) if line.isdigit() else 0
                problems.append(Problem(what, file or row.place, number, hint="Shorten the prompt or the reply."))
        if problems:
            raise DataError("preferences do not fit the window of the model", problems)


def kept_apart(rows: Sequence[T], share: float, seed: int) -> tuple[list[T], list[T]]:
    """Return rows to learn from, and rows to stop early by; rows of one prompt stay together."""
    prompts = list(dict.fromkeys(row.prompt for row in rows))
    count = min(round(len(prompts) * share), len(prompts) - 1)
    dev = set(random.Random(seed).sample(prompts, max(count, 0)))
    return [row for row in rows if row.prompt not in dev], [row for row in rows if row.prompt in dev]


def batch_order(lengths: Sequence[int], options: LoopOptions, seed: int) -> list[list[int]]:
    """Return the rows of all batches of a stage by position: they hang on the seed alone, so that it can be resumed."""
    whole, batches = math.ceil(options.epochs), []
    for epoch in range(whole):
        chance = random.Random(f"{seed}:{epoch}")
        batches += length_grouped_batches(range(len(lengths)), options.batch, chance, lengths.__getitem__)
    return batches[: max(1, round(len(batches) * options.epochs / whole))]


def reply_row(prompt: tuple[int, ...], reply: tuple[int, ...], place: str) -> Row:
    """Return a conversation whose last reply is trained."""
    return Row(prompt + reply, (False,) * len(prompt) + (True,) * len(reply), place)


def is_pair(preference: Preference) -> bool:
    """Whether two replies are compared, and not one judged."""
    return preference.liked is None


def prefers(preference: Preference) -> bool:
    """Whether the two replies of a pair differ."""
    return is_pair(preference) and preference.chosen.strip() != preference.rejected.strip()


def is_empty(preference: Preference) -> bool:
    """Whether a reply has no text."""
    replies = (preference.chosen, preference.rejected) if is_pair(preference) else (preference.reply,)
    return not all(reply.strip() for reply in replies)
