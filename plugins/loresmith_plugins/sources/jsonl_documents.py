"""Rows of documents: an id, a text, perhaps a title; what else a row says is metadata to search by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loresmith.errors import Problem
from loresmith.values import Document
from loresmith_plugins.sources.jsonl_row import Row
from loresmith_plugins.sources.text import first_heading, unified

_IDS = ("id", "doc_id", "path")
KEYS = frozenset({*_IDS, "text", "title"})
"""What a row of documents says of itself; simple values under other keys are its metadata."""


def document(row: Row) -> Document:
    """Return the document of a row; the first of `id`, `doc_id` and `path` that is there names it.

    Raises:
        BadRow: If something is wrong; the row knows what.
    """
    row.only(KEYS)
    name = row.text(next((key for key in _IDS if key in row), "id"))
    text = unified(row.text("text"))
    title = row.text("title", required=False) if row.data.get("title") else ""
    row.check()
    return Document(name, text, title or first_heading(text) or name, _metadata(row.data))


def _metadata(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in KEYS and _simple(value)}


def _simple(value: Any) -> bool:
    return all(isinstance(each, str | int | float) for each in (value if isinstance(value, list) else [value]))


def repeated(documents: Sequence[Any], lines: Sequence[int], file: str) -> list[Problem]:
    """Return a problem for every row whose id an earlier row has; nothing if rows were left out as wrong."""
    if len(documents) != len(lines):
        return []
    first: dict[str, int] = {}
    problems = []
    for line, item in zip(lines, documents, strict=True):
        if item.id in first:
            what = f"line {first[item.id]} has this id already"
            problems.append(Problem(what, file=file, line=line, key=item.id, hint="Give each document its own."))
        first.setdefault(item.id, line)
    return problems
