"""The prompts that replies are sampled to, as the engine will serve them, and in which order they come."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from loresmith.errors import DataError, Problem
from loresmith.values import Example, content_hash
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.training.rows import served

CACHED_TOKENS = 16_384
"""Positions kept in the cache while replies are drawn."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """An example whose prompt is replied to, and the ids that the model reads for it."""

    example: Example
    ids: tuple[int, ...]


def prompts_of(examples: Sequence[Example], instructions: str, chat: ChatFormat, room: int) -> list[Prompt]:
    """Return the prompts of examples, in order.

    Args:
        examples: Their replies are not read here.
        instructions: The system prompt.
        chat: Renders them.
        room: Tokens that a prompt may have.

    Raises:
        DataError: If prompts leave no room for a reply; all of them are named.
    """
    found = [Prompt(e, tuple(ids)) for e, ids in zip(examples, served(examples, instructions, chat), strict=True)]
    long = [prompt for prompt in found if len(prompt.ids) > room]
    if long:
        problems = [Problem(f"the prompt has {len(p.ids)} tokens", *_place(p.example.place)) for p in long]
        raise DataError(
            f"prompts leave no room for a reply: at most {room} tokens do", problems, "Shorten them, or reply_tokens."
        )
    return found


def schedule(count: int, batch: int, epochs: float, seed: int) -> list[list[int]]:
    """Return for each step the positions of its prompts; it hangs on the arguments alone, so resumed stages agree."""
    steps: list[list[int]] = []
    whole = math.ceil(epochs)
    for epoch in range(whole):
        order = random.Random(f"{seed}:{epoch}").sample(range(count), count)
        steps += [order[start : start + batch] for start in range(0, count, batch)]
    return steps[: max(1, round(len(steps) * epochs / whole))]


def draw_seed(seed: int, step: int) -> int:
    """Return the seed of the replies drawn in a step."""
    return int(content_hash("draw", str(seed), str(step))[:12], 16)


def _place(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return (file, int(line)) if line.isdecimal() else (place, 0)
