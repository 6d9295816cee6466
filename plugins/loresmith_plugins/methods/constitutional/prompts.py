"""What the model is asked: the prompts of examples, and those of a file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loresmith.errors import DataError
from loresmith.values import Example, Message, content_hash
from loresmith_plugins.sources.jsonl_lines import read_objects
from loresmith_plugins.sources.jsonl_row import BadRow, Row


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation to reply to.

    Args:
        id: Hash of its messages.
        messages: The conversation; its last turn is the user's.
        example: The example it comes from, if it comes from one.
        held_out: Whether its revision serves to stop early, and is never learnt.
        place: File and line, for messages.
    """

    id: str
    messages: tuple[Message, ...]
    place: str
    example: Example | None = None
    held_out: bool = False

    @classmethod
    def of(cls, example: Example, *, held_out: bool = False) -> Prompt:
        """Return the prompt of an example."""
        return cls(_id(example.prompt), tuple(example.prompt), example.place or example.id, example, held_out)

    def answered(self, reply: str) -> Example:
        """Return the example that replies `reply`; what the prompt's own example says of documents is kept."""
        messages: list[Message] = [*self.messages, {"role": "assistant", "content": reply}]
        if self.example is None:
            return Example.of(messages, place=self.place)
        known = self.example
        return Example.of(messages, grounding=known.grounding, answerable=known.answerable, place=self.place)


def gathered(train: Sequence[Example], dev: Sequence[Example], root: Path, file: str | None, seed: int) -> list[Prompt]:
    """Return all prompts, each once, in an order that the seed draws: any beginning of it is a fair share.

    Raises:
        DataError: With every row of the file that is wrong.
    """
    found = [*(Prompt.of(one, held_out=True) for one in dev), *map(Prompt.of, train)]
    found += read_prompts(root, file) if file else []
    once: dict[str, Prompt] = {}
    for prompt in found:
        once.setdefault(prompt.id, prompt)
    ordered = sorted(once.values(), key=lambda prompt: prompt.id)
    return random.Random(f"{seed}:prompts").sample(ordered, len(ordered))


def read_prompts(root: Path, file: str) -> list[Prompt]:
    """Read a JSON Lines file of rows with a `prompt`: a text, or a conversation that ends with the user.

    Raises:
        DataError: With every row that is wrong, or if there is no row at all.
    """
    objects, problems = read_objects(root / Path(file).expanduser(), file)
    prompts = []
    for line, data in objects:
        row = Row(file, line, data)
        try:
            prompts.append(_prompt(row))
        except BadRow:
            problems += row.problems
    if problems:
        raise DataError("prompts cannot be read", sorted(problems, key=lambda problem: problem.line))
    return prompts


def _prompt(row: Row) -> Prompt:
    row.only({"prompt"})
    if isinstance(row.data.get("prompt"), list):
        messages = row.conversation("prompt", last="user")
    else:
        messages = ({"role": "user", "content": row.text("prompt")},)
    row.check()
    return Prompt(_id(messages), messages, row.place)


def _id(messages: Sequence[Message]) -> str:
    return content_hash(*(part for message in messages for part in (message["role"], message["content"])))[:16]
