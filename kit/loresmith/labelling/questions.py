"""Which questions replies are drawn to: those of the training side, or those of a file; never what measures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loresmith.data.also_asked import also_asked, asked
from loresmith.data.kept import Kept
from loresmith.data.reading import read_examples
from loresmith.errors import DataError, Problem, UsageError
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from loresmith.registry import Registry
from loresmith.values import Example, Message, content_hash

Prompt = tuple[Message, ...]
"""A conversation that ends with a turn of the user."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Questions to draw replies to.

    Args:
        prompts: Each once, in an order that hangs on its words alone.
        left_out: How many were left out, since the dev or the test side asks the same or nearly so.
    """

    prompts: tuple[Prompt, ...]
    left_out: int


def questions(project: Project, recipe: Recipe, registry: Registry, file: Path | None = None) -> Questions:
    """Return the questions of the training side, or those of a file.

    Args:
        project: The project, whose split is frozen.
        recipe: Says where its examples are.
        registry: The plugins' components.
        file: JSON Lines with a `prompt`, a text or a conversation; relative to the project.

    Raises:
        UsageError: If the split is not frozen yet, so that nobody knows what is held out.
        DataError: If examples or file cannot be read.
    """
    if not project.split.exists():
        raise UsageError(
            "the split is not frozen yet, so which questions are held out is open",
            "Freeze it: `loresmith data split`.",
        )
    train, held_out = _sides(project, read_examples(registry, recipe.data.examples, project.root))
    found = [example.prompt for example in train] if file is None else read_prompts(project.root / file, str(file))
    apart = also_asked(found, held_out)
    once = {asked(prompt): prompt for prompt, elsewhere in zip(found, apart, strict=True) if not elsewhere}
    return Questions(tuple(once[key] for key in sorted(once, key=content_hash)), sum(apart))


def read_prompts(path: Path, shown: str) -> list[Prompt]:
    """Read a file of prompts.

    Args:
        path: The file.
        shown: The file as the user names it.

    Raises:
        DataError: With every line that is wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise DataError("prompts cannot be read", [Problem(str(reason).lower(), file=shown)]) from error
    found, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        prompt = _prompt(line)
        if prompt is None:
            hint = 'Write {"prompt": "…"}, or a conversation that ends with a turn of the user.'
            problems.append(Problem("this is no prompt", file=shown, line=number, hint=hint))
        else:
            found.append(prompt)
    if problems or not found:
        raise DataError("prompts cannot be read", problems or [Problem("the file is empty", file=shown)])
    return found


def _sides(project: Project, examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    kept = Kept.read(project.split).entries
    held_out = [example for example in examples if example.id in kept and kept[example.id].side != "train"]
    apart = {example.id for example in held_out}
    return [example for example in examples if example.id not in apart], held_out


def _prompt(line: str) -> Prompt | None:
    try:
        value = json.loads(line)["prompt"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    turns = [{"role": "user", "content": value}] if isinstance(value, str) else value
    if not isinstance(turns, list) or not turns or len(turns) % 2 == 0:
        return None
    roles = ("user", "assistant")
    if not all(_is_turn(turn, roles[place % 2]) for place, turn in enumerate(turns)):
        return None
    return tuple({"role": turn["role"], "content": turn["content"]} for turn in turns)


def _is_turn(turn: Any, role: str) -> bool:
    return (
        isinstance(turn, dict)
        and turn.get("role") == role
        and isinstance(turn.get("content"), str)
        and bool(turn["content"].strip())
    )
