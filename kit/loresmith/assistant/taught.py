"""What the training split gives an assistant beside an adapter: demonstrations, and what a decline looks like."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from loresmith.assistant.declines import Declines
from loresmith.errors import LoresmithError
from loresmith.files import read_json, write_json
from loresmith.values import Example

NAME = "taught.json"
"""File of a run that keeps it, so that `ask` shows and recognises what the ladder did."""


@dataclass(frozen=True, slots=True)
class Taught:
    """Demonstrations of the few-shot rung, and the declines of the training split."""

    demonstrations: tuple[Example, ...]
    declines: Declines

    @classmethod
    def of(cls, train: Sequence[Example], few_shot: int, seed: int) -> Self:
        """Choose from the training split; the same split, number and seed give the same.

        Of three demonstrations or more the first declines, if any example does: not the last, which a small model
        would follow too readily.
        """
        drawn = sorted(train, key=lambda example: example.id)
        random.Random(seed).shuffle(drawn)
        declining = [example for example in drawn if not example.answerable][: few_shot >= 3]
        answering = list(_varied([example for example in drawn if example.answerable]))
        return cls((*declining, *answering)[:few_shot], Declines.of(train))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` kept in the folder of a run.

        Raises:
            LoresmithError: If it is missing or not what Loresmith writes.
        """
        try:
            value = read_json(folder / NAME)
            demonstrations = tuple(Example.of(messages) for messages in value["demonstrations"])
            return cls(demonstrations, Declines(value["declines"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LoresmithError(
                f'the run "{folder.name}" cannot be asked: its {NAME} is missing or damaged',
                "Build again with `loresmith build`, or restore it.",
            ) from error

    def write(self, folder: Path) -> None:
        """Keep it in the folder of a run."""
        messages = [list(example.messages) for example in self.demonstrations]
        write_json(folder / NAME, {"demonstrations": messages, "declines": list(self.declines.wanted)})


def _varied(examples: Sequence[Example]) -> Iterator[Example]:
    """Yield short conversations on documents not yet shown first, then the rest."""
    seen: set[str] = set()
    later = []
    for example in examples:
        if len(example.messages) == 2 and seen.isdisjoint(example.grounding):
            yield example
            seen.update(example.grounding)
        else:
            later.append(example)
    yield from later
