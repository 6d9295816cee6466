"""Puts what pydantic found into words for whoever wrote the recipe."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from loresmith.recipe.positions import KeyPath

WORDS = {
    "missing": "is missing",
    "extra_forbidden": "there is no such key here",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping (key: value)",
    "model_type": "must be a mapping (key: value)",
    "model_attributes_type": "must be a mapping (key: value)",
    "path_type": "must be a path",
    "literal_error": "must be one of {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} entry",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must have the form {pattern}",
    "value_error": "{error}",
}
"""What is said for each kind of pydantic error; the fields in braces are of its context."""

SAYS_VALUE = ("missing", "extra_forbidden", "value_error", "too_short", "string_too_short")
"""Errors after which the value found says nothing more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a value: at which key path, what, and what to do."""

    path: KeyPath
    what: str
    hint: str = ""


def findings(error: ValidationError, model: type[BaseModel], value: Any) -> list[Finding]:
    """Return what is wrong with `value`, which did not validate as `model`; one finding a key path."""
    found: dict[KeyPath, Finding] = {}
    for details in error.errors(include_url=False):
        path = _in_value(details["loc"], value, details["type"])
        if path is not None:
            found.setdefault(path, Finding(path, _what(details), _hint(details, path, model)))
    return list(found.values())


def nearest(word: str, words: Sequence[str]) -> str:
    """Return `Did you mean "x"?` with the nearest of `words`, or an empty text."""
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f'Did you mean "{near[0]}"?' if near else ""


def _in_value(loc: KeyPath, value: Any, kind: str) -> KeyPath | None:
    """Turn pydantic's place into the key path, without its markers for the branches of a union.

    None for a branch that the value was not meant for: text where a mapping stands.
    """
    path: list[str | int] = []
    for i, part in enumerate(loc):
        last = i == len(loc) - 1
        if _holds(value, part):
            value = value[part]
        elif not (last and kind == "missing"):
            if isinstance(value, dict) == (part == "str"):
                return None
            continue
        path.append(part)
    return tuple(path)


def _holds(value: Any, part: str | int) -> bool:
    return (
        part in value
        if isinstance(value, dict)
        else isinstance(value, list) and isinstance(part, int) and part < len(value)
    )


def _what(details: ErrorDetails) -> str:
    words = WORDS.get(details["type"])
    context = details.get("ctx", {})
    text = words.format(**context) if words else details["msg"][:1].lower() + details["msg"][1:]
    if details["type"] in SAYS_VALUE:
        return text
    return f"{text}, not {_shown(details['input'])}"


def _shown(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
    return str(value)[:60]


def _hint(details: ErrorDetails, path: KeyPath, model: type[BaseModel]) -> str:
    kind, given = details["type"], details["input"]
    if kind == "extra_forbidden":
        keys = _keys_at(model, path[:-1])
        return f"{nearest(str(path[-1]), keys)} Keys: {', '.join(keys) or 'none'}.".strip()
    if kind == "literal_error":
        words = [word.strip("'") for word in details.get("ctx", {})["expected"].replace(" or ", ", ").split(", ")]
        return nearest(str(given), words)
    if kind == "string_type" and not isinstance(given, dict | list | type(None)):
        return "Put it in quotes."
    return ""


def _keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    for part in path:
        if isinstance(part, str):
            wanted = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
            inner = next(_models_in(wanted.annotation), None) if wanted else None
            if inner is None:
                return []
            model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
