"""Files beside the examples: more prompts for the teacher, and reasons that were written before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from loresmith.errors import DataError, Problem
from loresmith.values import Example, Message
from loresmith_plugins.sources.jsonl_lines import read_objects
from loresmith_plugins.sources.jsonl_row import BadRow, Row

T = TypeVar("T")


def read_prompts(root: Path, name: str, known: Sequence[Example]) -> list[Example]:
    """Return the prompts of a file as examples whose reply is still empty.

    Args:
        root: The project folder.
        name: The file.
        known: Examples of the split; a prompt that ends with the question of one of them is left out.

    Raises:
        DataError: If rows are wrong; all of them are named.
    """
    questions = {example.question.strip() for example in known}
    found: dict[str, Example] = {}
    for prompt in _read(root, name, _prompt):
        if prompt.question.strip() not in questions:
            found.setdefault(prompt.id, prompt)
    return list(found.values())


def read_rationales(root: Path, name: str) -> dict[str, str]:
    """Return the reasons of a file by question, without those marked `correct: false`; raises as `read_prompts`."""
    return {question: rationale for question, rationale in _read(root, name, _rationale) if rationale}


def _prompt(row: Row) -> Example:
    row.only({"question", "messages"})
    asked: tuple[Message, ...]
    if "messages" in row:
        asked = row.conversation("messages", last="user")
    else:
        asked = ({"role": "user", "content": row.text("question")},)
    row.check()
    return Example.of([*asked, {"role": "assistant", "content": ""}], place=row.place)


def _rationale(row: Row) -> tuple[str, str]:
    row.only({"question", "answer", "rationale", "correct"})
    question, rationale = row.text("question"), row.text("rationale")
    right = row.flag("correct", default=True)
    row.check()
    return question.strip(), rationale.strip() if right else ""


def _read(root: Path, name: str, made: Callable[[Row], T]) -> list[T]:
    objects, problems = read_objects(root / name, name)
    found: list[T] = []
    for line, data in objects:
        row = Row(name, line, data)
        try:
            found.append(made(row))
        except BadRow:
            problems += row.problems
    if problems:
        raise DataError(f'"{name}" cannot be read', sorted(problems, key=_line))
    return found


def _line(problem: Problem) -> int:
    return problem.line
