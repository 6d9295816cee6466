"""Changes single values in the text of a recipe; comments, order and everything else stay as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from loresmith.errors import RecipeError
from loresmith.recipe.positions import KeyPath, key_path


def with_values(text: str, values: Mapping[KeyPath, Any]) -> str:
    """Return a recipe with some values set; a key that is not there is added to its mapping.

    Args:
        text: The YAML of the recipe.
        values: Key path to a number, text, truth value or None, or to a mapping of such.

    Raises:
        RecipeError: If a key path leads through something that is no mapping.
    """
    for path, value in values.items():
        text = _with_value(text, path, value)
    return text


def _with_value(text: str, path: KeyPath, value: Any) -> str:
    node: Any = yaml.compose(text, yaml.SafeLoader)
    for depth, key in enumerate(path):
        if not isinstance(node, yaml.MappingNode):
            raise RecipeError(f'"{key_path(path[:depth])}" holds no settings to change', [])
        found = next((entry for name, entry in node.value if name.value == key), None)
        if found is None:
            return _added(text, node, _written(path[depth:], value))
        node = found
    return text[: node.start_mark.index] + _scalar(value) + text[_end(text, node) :]


def _end(text: str, node: Any) -> int:
    """Return where a value ends; PyYAML counts what follows a block into it."""
    start: int = node.start_mark.index
    return start + len(text[start : node.end_mark.index].rstrip())


def _added(text: str, node: yaml.MappingNode, entry: str) -> str:
    if node.flow_style:
        close = node.end_mark.index - 1
        before = text[:close].rstrip()
        return f"{before}{'' if before.endswith(('{', ',')) else ','} {entry}{text[close:]}"
    last = node.value[-1][1]
    line = text.find("\n", _end(text, last))
    at = len(text) if line < 0 else line
    indent = " " * node.start_mark.column
    return f"{text[:at]}\n{indent}{entry}{text[at:]}"


def _written(path: KeyPath, value: Any) -> str:
    key, *rest = path
    return f"{key}: {{{_written(tuple(rest), value)}}}" if rest else f"{key}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()
