"""Which prompts ask what examples ask: what decides on the ladder is not to be learnt by another door."""

from __future__ import annotations

from collections.abc import Sequence

from loresmith.assistant.prompt import question_in
from loresmith.data.duplicates import near_pairs
from loresmith.values import Example, Message
from loresmith.words import words


def asked(prompt: Sequence[Message]) -> str:
    """Return the words that the user says in a prompt, normalised; passages that were put into it are none of them."""
    return " ".join(words(" ".join(question_in(message["content"]) for message in prompt if message["role"] == "user")))


def also_asked(prompts: Sequence[Sequence[Message]], examples: Sequence[Example]) -> list[bool]:
    """Return for each prompt whether it asks, equally or nearly, what one of the examples asks."""
    theirs = {asked(example.prompt) for example in examples}
    found = [asked(prompt) for prompt in prompts]
    near = {text for pair in near_pairs([*found, *theirs]) if theirs & {*pair} for text in pair}
    return [text in theirs or text in near for text in found]
