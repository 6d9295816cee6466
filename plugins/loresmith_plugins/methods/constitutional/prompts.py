"""What the model is asked: the prompts of examples, and those of a file."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from loresmith.specs import StageContext
from loresmith.values import Example, Message, content_hash
from loresmith_plugins.training.prompt_file import read_prompts


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation to reply to.

    Args:
        id: Hash of its messages.
        messages: The conversation; its last turn is the user's.
        example: The example it comes from; one from a file of prompts has no reply.
        held_out: Whether its revision serves to stop early, and is never learnt.
    """

    id: str
    messages: tuple[Message, ...]
    example: Example
    held_out: bool = False

    @classmethod
    def of(cls, example: Example, *, held_out: bool = False) -> Prompt:
        """Return the prompt of an example."""
        said = (part for message in example.prompt for part in (message["role"], message["content"]))
        return cls(content_hash(*said)[:16], tuple(example.prompt), example, held_out)

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return self.example.place or self.example.id

    def answered(self, reply: str) -> Example:
        """Return the example that replies `reply`; what the prompt's own example says of documents is kept."""
        messages: list[Message] = [*self.messages, {"role": "assistant", "content": reply}]
        known = self.example
        return Example.of(messages, grounding=known.grounding, answerable=known.answerable, place=known.place)


def gathered(context: StageContext, file: str | None) -> list[Prompt]:
    """Return all prompts, each once, in an order that the seed draws: any beginning of it is a fair share.

    Raises:
        DataError: With every row of the file that is wrong.
    """
    more: Sequence[Example] = read_prompts(context, file) if file else ()
    found = [*(Prompt.of(one, held_out=True) for one in context.dev), *map(Prompt.of, (*context.train, *more))]
    once: dict[str, Prompt] = {}
    for prompt in found:
        once.setdefault(prompt.id, prompt)
    ordered = sorted(once.values(), key=lambda prompt: prompt.id)
    return random.Random(f"{context.seed}:prompts").sample(ordered, len(ordered))
