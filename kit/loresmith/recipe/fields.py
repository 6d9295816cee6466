"""What may stand in a field of a form: read off the model that checks it, so that nobody writes forms by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Shape = Literal["text", "number", "switch", "choice", "several", "value"]
"""How a value is asked for; `value` is whatever YAML can say on a line, `several` a list of given words."""

_NAMES: dict[Any, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_ABOVE = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What one field takes.

    Args:
        choices: The words it may hold, where these are given.
        optional: Whether it may be empty.
        takes: The same in words.
    """

    shape: Shape
    choices: tuple[str, ...]
    optional: bool
    takes: str


def kind_of(info: FieldInfo) -> Kind:
    """Return what a field of a model takes."""
    branches = [each for each in _branches(info.annotation) if each is not NoneType]
    optional = len(branches) < len(list(_branches(info.annotation)))
    mixed: tuple[Shape, tuple[str, ...], str] = ("value", (), _names(branches))
    shape, choices, takes = _simple(branches[0]) if len(branches) == 1 else mixed
    limits = ", ".join(_limits(info))
    return Kind(shape, choices, optional, f"{takes}, {limits}" if limits else takes)


def model_of(info: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that holds settings of its own, or None."""
    models = [each for each in _branches(info.annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
    return models[0] if models else None


def holds_list(info: FieldInfo) -> bool:
    """Return whether a field holds a list."""
    return any(get_origin(each) is list for each in _branches(info.annotation))


def holds_names(info: FieldInfo) -> bool:
    """Return whether a field holds a list whose items may be mere words."""
    lists = [each for each in _branches(info.annotation) if get_origin(each) is list]
    return any(str in list(_branches(get_args(each)[0])) for each in lists)


def _branches(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _branches(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for each in get_args(annotation):
            yield from _branches(each)
    else:
        yield annotation


def _simple(annotation: Any) -> tuple[Shape, tuple[str, ...], str]:
    if annotation is bool:
        return "switch", (), _NAMES[bool]
    if annotation in (int, float):
        return "number", (), _NAMES[annotation]
    if annotation is str:
        return "text", (), _NAMES[str]
    if get_origin(annotation) is Literal:
        words = _words(annotation)
        return "choice", words, f"one of {', '.join(words)}"
    if get_origin(annotation) is list and get_origin(get_args(annotation)[0]) is Literal:
        words = _words(get_args(annotation)[0])
        return "several", words, f"some of {', '.join(words)}"
    return "value", (), _name(annotation)


def _words(annotation: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in get_args(annotation))


def _names(branches: list[Any]) -> str:
    return " or ".join(dict.fromkeys(_simple(each)[2] for each in branches)) or "any value"


def _name(annotation: Any) -> str:
    return {list: "a list [a, b]", dict: "a mapping {key: value}"}.get(get_origin(annotation) or annotation, "a value")


def _limits(info: FieldInfo) -> Iterator[str]:
    for limit in info.metadata:
        for key, words in _ABOVE.items():
            if getattr(limit, key, None) is not None:
                yield f"{words} {getattr(limit, key):,}"
        if pattern := getattr(limit, "pattern", None):
            yield f"of the form {pattern}"
