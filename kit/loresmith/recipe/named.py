"""The components that a component's options name, found in options that need not be right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from loresmith.options import Options
from loresmith.recipe.places import NAMED
from loresmith.recipe.positions import KeyPath
from loresmith.specs import Spec


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A component that options name: what kind of plugin it wants, and its mapping."""

    wanted: type[Spec]
    component: Mapping[str, Any]


def named_parts(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, dict[KeyPath, NamedPart]]:
    """Return the components that options name, by option, then by the key path within it.

    Args:
        model: The options' model.
        given: What is written of them.
    """
    options = _read(model, given)
    found: dict[str, dict[KeyPath, NamedPart]] = {}
    try:
        named = options.named() if isinstance(options, Options) else ()
    # A plugin's own code on options that it would refuse: it may do anything, and then nothing is known.
    except Exception:  # noqa: BLE001
        return found
    for key, wanted, component in named:
        found.setdefault(str(key[0]), {})[tuple(key[1:])] = NamedPart(NAMED[wanted], component)
    return found


def _read(model: type[BaseModel], given: Mapping[str, Any]) -> BaseModel:
    """Return the options, those that are wrong being left out."""
    try:
        return model.model_validate(given)
    except ValidationError:
        right = {name: value for name in given if (value := _field(model, name, given[name])) is not None}
        return model.model_construct(**right)


def _field(model: type[BaseModel], name: str, value: Any) -> Any:
    info = model.model_fields.get(name)
    if info is None:
        return None
    annotation: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        return None
