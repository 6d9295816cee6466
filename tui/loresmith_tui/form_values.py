"""Values of a form as they are shown on a line, and as they are read from one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from loresmith.recipe.form import Row
from loresmith.recipe.written import in_line

NOT_SET = "not set"


def brief(row: Row) -> str:
    """Return what a row holds, on a line."""
    if row.shape == "list":
        return _count(row.value) + ("" if row.given or not row.value else ", by default")
    if row.shape == "bases":
        return ", ".join(map(str, row.value)) if row.value else "none: a adds one"
    if row.shape == "group":
        return ""
    if row.value is None:
        return "to be filled in" if row.required or row.item else NOT_SET
    if isinstance(row.value, bool):
        # YAML reads a bare `off` as false; where words are chosen from, the word was meant.
        return ("yes" if row.value else "no") if row.shape == "switch" else ("on" if row.value else "off")
    return shown(row)


def shown(row: Row) -> str:
    """Return what a field begins with when the row is changed."""
    value = row.value
    if value is None:
        return ""
    if isinstance(value, str) and row.shape != "value":
        return value
    if isinstance(value, list) and row.shape == "several":
        return ", ".join(map(str, value))
    return in_line(value)


def default_of(row: Row) -> str:
    """Return the default of a row, on a line."""
    return in_line(row.default) if not isinstance(row.default, str) else row.default


def read(row: Row, text: str) -> Any:
    """Return the value that a line of text means for a row; what cannot be meant stays text, and the check says so."""
    if row.shape == "text":
        return text
    if row.shape == "number":
        return _number(text.strip())
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _count(value: Any) -> str:
    if not value:
        return "none: a adds one"
    return ", ".join(_named(each) for each in value) if isinstance(value, list) else in_line(value)


def _named(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return str(entry.get("method") or entry.get("kind") or "?")
    return str(entry)
