"""From the bytes of a JSON Lines file to its objects: encoding, syntax, and nothing about what the keys mean."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, NoReturn

from loresmith.errors import Problem
from loresmith_plugins.sources.text import NotText, decode

Objects = list[tuple[int, dict[str, Any]]]
"""Objects with the line each stands on, counted from 1."""

_BOM = b"\xef\xbb\xbf"


class NotRow(ValueError):
    """A line that is not one JSON object; the message says why."""

    def __init__(self, what: str, hint: str = "", key: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.key = key


def read_objects(path: Path, shown: str) -> tuple[Objects, list[Problem]]:
    """Return the objects of a file and what is wrong with its other lines; blank lines are passed over.

    Args:
        path: The file.
        shown: The file as the user names it, for the problems.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        return [], [_unreadable(path, shown, error)]
    if not raw.removeprefix(_BOM).strip():
        return [], [Problem("the file is empty", file=shown, hint="Write one JSON object a line.")]
    objects: Objects = []
    problems: list[Problem] = []
    for number, line in enumerate(raw.removeprefix(_BOM).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            objects.append((number, _object(line)))
        except NotRow as error:
            problems.append(Problem(error.what, file=shown, line=number, key=error.key, hint=error.hint))
    if problems and not objects and _is_one_value(raw):
        hint = "Write one JSON object a line, without brackets around them and commas between them."
        problems = [Problem("the file is one JSON value over several lines", file=shown, line=1, hint=hint)]
    return objects, problems


def _unreadable(path: Path, shown: str, error: OSError) -> Problem:
    reason = (error.strerror or str(error)).lower()
    hint = ""
    if isinstance(error, FileNotFoundError) and path.parent.is_dir():
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1)
        hint = f'Did you mean "{near[0]}"?' if near else "Correct `path` in the recipe."
    return Problem(f"the file cannot be read: {reason}", file=shown, hint=hint)


def _object(line: bytes) -> dict[str, Any]:
    try:
        text = decode(line)
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except NotText as error:
        raise NotRow(f"the line {error}", "Save the file as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise _syntax(error) from error
    except RecursionError as error:
        raise NotRow("the row is nested too deeply") from error
    except NotRow:
        raise
    except ValueError as error:
        raise NotRow(f"the row is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise NotRow(f"the row is {kind_of(value)}, not an object", "Write it as {…}.")
    _no_broken_text(value, "")
    return value


def _syntax(error: json.JSONDecodeError) -> NotRow:
    what = f"{error.msg[:1].lower()}{error.msg[1:].removesuffix(' at')} at column {error.colno}"
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string"):
        return NotRow(f"the row ends too early: {what}", "Was the file cut off?")
    return NotRow(f"the row is not JSON: {what}")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, item in pairs:
        if key in value:
            raise NotRow("the key is there twice", "Keep one of the two.", key)
        value[key] = item
    return value


def _no_constant(name: str) -> NoReturn:
    raise NotRow(f"{name} is no JSON value")


def _no_broken_text(value: Any, key: str) -> None:
    """Refuse texts that JSON can write and nothing can store: half surrogate pairs, and NUL."""
    if isinstance(value, dict):
        for name, item in value.items():
            _no_broken_text(name, key)
            _no_broken_text(item, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for n, item in enumerate(value):
            _no_broken_text(item, f"{key}[{n}]")
    elif isinstance(value, str):
        if "\0" in value:
            raise NotRow("the text holds a NUL character", "Remove it.", key)
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NotRow("the text holds half a surrogate pair", "Write the character itself in UTF-8.", key) from error


def _is_one_value(raw: bytes) -> bool:
    try:
        json.loads(raw.removeprefix(_BOM))
    except (ValueError, RecursionError):
        return False
    return True


def kind_of(value: Any) -> str:
    """Say what a JSON value is."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "an object"
