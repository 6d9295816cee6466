"""An engine with a memory on disk: the same is never asked twice, whatever ended the process in between."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from loresmith.errors import DataError, Interrupted, ModelError
from loresmith.runs.hashes import value_hash
from loresmith.specs import ChoosingEngine, Engine
from loresmith.values import Message, Sampling
from loresmith_plugins.training.journal import Journal

LETTERS = ("A", "B")
"""What a judge of two replies chooses between."""
IMPOSSIBLE = -100.0
"""Log-probability written for replies that an engine leaves no chance at all; JSON has no infinity."""


@dataclass(frozen=True, slots=True)
class Question:
    """One conversation for an engine, and what it is about, for messages and for whoever reads the journal."""

    conversation: Sequence[Message]
    about: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What an engine said. `whole` is False where it ran out of tokens."""

    text: str
    whole: bool


class Asking:
    """Asks one engine.

    Args:
        build: Builds the engine, when it is first needed and again after `forget`.
        weights: Hash of the weights it generates with; its identity does not say them.
        journal: Where its replies are kept.
        at_once: Conversations handed to it together; a kill loses at most these.
        stopping: Whether the user wants to stop.
    """

    def __init__(
        self, build: Callable[[], Engine], weights: str, journal: Journal, at_once: int, stopping: Callable[[], bool]
    ) -> None:
        self.journal, self.at_once = journal, at_once
        self.tokens = 0
        """Tokens read and written for all that was asked for, now or before the work was resumed."""
        self._build, self._weights, self._stopping = build, weights, stopping

    def forget(self) -> None:
        """Let go of the engine and its memory."""
        self.__dict__.pop("_engine", None)

    def replies(self, questions: Sequence[Question], sampling: Sampling | None = None) -> list[Reply]:
        """Return the replies in order.

        Raises:
            Interrupted: If the user wants to stop.
            GateRefused: If the engine may spend no more; what it replied is kept.
        """
        drawn = asdict(sampling) if sampling else None
        keys = [self._key("reply", drawn, question.conversation) for question in questions]
        for batch in self._missing(keys):
            asked = [questions[i] for i in batch]
            with _named(asked):
                completions = self._engine.complete([q.conversation for q in asked], sampling=sampling)
            for i, said in zip(batch, completions, strict=True):
                tokens = said.tokens_in + said.tokens_out
                row = {"about": questions[i].about, "text": said.text, "whole": said.finished, "tokens": tokens}
                self.journal.put(keys[i], row)
        rows = [self._row(key) for key in keys]
        return [Reply(str(row["text"]).strip(), bool(row["whole"])) for row in rows]

    def choices(self, questions: Sequence[Question]) -> list[tuple[float, float] | str | None]:
        """Return for each question log p(A) and log p(B) of its reply, or the letter of a judge that tells no more."""
        if not self.tells:
            return [letter_in(reply.text) for reply in self.replies(questions)]
        keys = [self._key("choice", None, question.conversation) for question in questions]
        for batch in self._missing(keys):
            asked = [questions[i] for i in batch]
            try:
                with _named(asked):
                    told = self._choosing().log_probabilities([q.conversation for q in asked], LETTERS)
            except ModelError:
                # Only once it has replied is it known that it is there, and merely tells no probabilities.
                self.replies(asked)
                self.journal.put(self._letters_alone, {"about": "this judge tells no probabilities"})
                return self.choices(questions)
            for i, values in zip(batch, told, strict=True):
                row = {"about": questions[i].about, "values": [max(float(v), IMPOSSIBLE) for v in values]}
                self.journal.put(keys[i], row)
        rows = [self._row(key)["values"] for key in keys]
        return [(float(row[0]), float(row[1])) for row in rows]

    @property
    def tells(self) -> bool:
        """Whether the engine tells how likely replies are, as far as is known."""
        return self._can_tell and self.journal.get(self._letters_alone) is None

    @cached_property
    def _engine(self) -> Engine:
        return self._build()

    @cached_property
    def _identity(self) -> str:
        return self._engine.identity  # to be told it, an engine reads its weights' files

    @cached_property
    def _can_tell(self) -> bool:
        return isinstance(self._engine, ChoosingEngine)

    @property
    def _letters_alone(self) -> str:
        return self._key("letters alone", None, ())

    def _choosing(self) -> ChoosingEngine:
        assert isinstance(self._engine, ChoosingEngine)
        return self._engine

    def _missing(self, keys: Sequence[str]) -> Iterator[list[int]]:
        """Yield the positions of what is not in the journal, in batches; the same conversation is asked once."""
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        missing = sorted(i for key, i in first.items() if self.journal.get(key) is None)
        for start in range(0, len(missing), self.at_once):
            if self._stopping():
                raise Interrupted(
                    f"stopped with {len(self.journal)} replies in the journal", "Go on with `loresmith build --resume`."
                )
            yield missing[start : start + self.at_once]

    def _row(self, key: str) -> dict[str, Any]:
        row = self.journal.get(key)
        assert row is not None
        self.tokens += int(row.get("tokens", 0))
        return row

    def _key(self, what: str, sampling: dict[str, Any] | None, conversation: Sequence[Message]) -> str:
        turns = [[message["role"], message["content"]] for message in conversation]
        return value_hash([what, self._identity, self._weights, sampling, turns])


def letter_in(text: str) -> str | None:
    """Return the letter that a reply chooses, or None if it chooses neither or both."""
    found = set(re.findall(r"\b[AB]\b", text))
    return found.pop() if len(found) == 1 else None


@contextmanager
def _named(asked: Sequence[Question]) -> Iterator[None]:
    """Let an engine's problems say what was asked about, in the place of a number in a batch."""
    try:
        yield
    except DataError as error:
        names = {f"question {i}": question.about for i, question in enumerate(asked, 1)}
        problems = [replace(problem, key=names.get(problem.key, problem.key)) for problem in error.problems]
        raise DataError(error.message, problems, error.hint) from error
