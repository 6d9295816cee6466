"""What a form does to the text of a recipe: set, clear, choose, add, move; the rest of the text stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo

from loresmith.errors import PluginError
from loresmith.recipe.edit import with_item, with_item_moved, with_values, without
from loresmith.recipe.form import Row
from loresmith.recipe.layout import Layout
from loresmith.recipe.models import Component, Stage
from loresmith.recipe.positions import KeyPath, read_tree
from loresmith.registry import Registry


def with_row(text: str, row: Row, value: Any) -> str:
    """Return the text with a row's value written; raises as `with_values`."""
    return with_values(_with_holders(text, row), {row.path: value})


def without_row(text: str, row: Row) -> str:
    """Return the text without a row: its default holds again, or it is no longer in its list."""
    return without(_with_holders(text, row) if row.item else text, row.path)


def with_added(text: str, row: Row, name: str) -> str:
    """Return the text with a component of that name at the end of a list.

    Args:
        text: The recipe.
        row: The list.
        name: The component's.
    """
    value = name if row.bare else {row.key: name}
    if not row.given and row.default:
        return with_values(text, {row.path: [*row.default, value]})
    return with_item(text, row.path, value)


def with_base(text: str, row: Row, name: str) -> str:
    """Return the text with a knowledge base of that name, whose documents are still to be said."""
    return with_values(text, {(*row.path, name): {"sources": [{"kind": "files", "path": name}]}})


def with_row_moved(text: str, row: Row, by: int) -> str:
    """Return the text with an item one place further down its list (1), or up (-1)."""
    return with_item_moved(_with_holders(text, row), row.path, by)


def with_choice(text: str, row: Row, name: str, registry: Registry) -> str:
    """Return the text with another component in a row's place; without one if the name is empty.

    Of the options that are written those stay that mean the same to both components.

    Args:
        text: The recipe.
        row: The component's row.
        name: The other's name.
        registry: The components there are.
    """
    if not name:
        return without(text, row.path)
    text = _with_holders(text, row)
    part = Layout(text).at(row.path)
    if part is None or part.kind != "mapping":
        bare = row.bare and (part is None or part.kind == "scalar")
        return with_values(text, {row.path: name if bare else {row.key: name}})
    for option in _lost(_at(text, row.path), row, name, registry):
        text = without(text, (*row.path, option))
    return with_values(text, {(*row.path, row.key): name})


def _with_holders(text: str, row: Row) -> str:
    """Return the text with the components around a row written out, where only their defaults or names stand."""
    for holder in row.holders:
        part = Layout(text).at(holder.path)
        nothing = part is None or (part.kind == "scalar" and part.text in ("", "null", "~"))
        if nothing or (part and part.kind == "scalar" and isinstance(holder.value, dict)):
            text = with_values(text, {holder.path: holder.value})
    return text


def _lost(component: Mapping[str, Any], row: Row, name: str, registry: Registry) -> list[str]:
    """Return the written options that another component has not, or means otherwise."""
    before, after = (_options(registry, row, each) for each in (component.get(row.key), name))
    own = Stage.model_fields if row.key == "method" else Component.model_fields
    besides = {option for option in component if before and option not in before}
    return [
        option
        for option in component
        if option not in own and option not in besides and not _same(before.get(option), after.get(option))
    ]


def _same(one: FieldInfo | None, other: FieldInfo | None) -> bool:
    if one is None or other is None:
        return False
    return (one.annotation, one.description) == (other.annotation, other.description)


def _options(registry: Registry, row: Row, name: Any) -> Mapping[str, FieldInfo]:
    """Return the options of a component by its name; none where there is no such component."""
    try:
        return registry.get(row.wanted, name).options.model_fields if row.wanted and isinstance(name, str) else {}
    except PluginError:
        return {}


def _at(text: str, path: KeyPath) -> Any:
    value = read_tree(text.encode(), "").value
    for key in path:
        value = value[key]
    return value
