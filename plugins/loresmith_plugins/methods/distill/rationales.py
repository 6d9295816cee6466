"""Reasons that were written before: a JSON Lines file of questions and why their answers are right."""

from __future__ import annotations

from pathlib import Path

from loresmith.errors import DataError
from loresmith_plugins.sources.jsonl_lines import read_objects
from loresmith_plugins.sources.jsonl_row import BadRow, Row


def read_rationales(root: Path, file: str) -> dict[str, str]:
    """Return the reasons of a file by question, without those marked `correct: false`.

    Args:
        root: The project folder.
        file: Path relative to it.

    Raises:
        DataError: If rows are wrong; all of them are named.
    """
    objects, problems = read_objects(root / Path(file).expanduser(), file)
    found: dict[str, str] = {}
    for line, data in objects:
        row = Row(file, line, data)
        try:
            question, rationale = _rationale(row)
        except BadRow:
            problems += row.problems
        else:
            found |= {question: rationale} if rationale else {}
    if problems:
        raise DataError("rationales cannot be read", sorted(problems, key=lambda problem: problem.line))
    return found


def _rationale(row: Row) -> tuple[str, str]:
    row.only({"question", "answer", "rationale", "correct"})
    question, rationale = row.text("question"), row.text("rationale")
    right = row.flag("correct", default=True)
    row.check()
    return question.strip(), rationale.strip() if right else ""
