"""Changes single values in the text of a recipe; comments, order and everything else stay as they are written.

Every change is read back: if the text would not say exactly what is wanted, it is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from loresmith.errors import RecipeError
from loresmith.recipe.layout import Layout, Part
from loresmith.recipe.positions import KeyPath, key_path, read_tree
from loresmith.recipe.written import block, entry, in_line, written


def with_values(text: str, values: Mapping[KeyPath, Any]) -> str:
    """Return a recipe with some values set; a key that is not there is added to its mapping.

    Args:
        text: The YAML of the recipe.
        values: Key path to a number, text, truth value or None, or to lists and mappings of such.

    Raises:
        RecipeError: If a key path leads through something that is no mapping, or the text cannot be changed there.
    """
    for path, value in values.items():
        text = _checked(text, path, _with_value(text, path, value), partial(_set, path=path, value=value))
    return text


def without(text: str, path: KeyPath) -> str:
    """Return a recipe without a key or an item of a list; raises as `with_values`."""
    layout, around = _around(text, path[:-1])
    if around.find(path[-1]) is None:
        return text
    return _checked(text, path, _without(layout, around, around.place(path[-1])), lambda tree: _drop(tree, path))


def with_item(text: str, path: KeyPath, value: Any) -> str:
    """Return a recipe with a value at the end of a list, which is made if it is not there; raises as `with_values`."""
    part = Layout(text).at(path)
    if part is None or part.kind != "list" or not part.entries:
        return with_values(text, {path: [value]})
    new = _appended(Layout(text), part, value)
    return _checked(text, path, new, lambda tree: _at(tree, path).append(value))


def with_item_moved(text: str, path: KeyPath, by: int) -> str:
    """Return a recipe in which an item of a list has changed places with the next one (1) or the one before (-1).

    Comments above an item go with it. Past the ends nothing moves. Raises as `with_values`.
    """
    *parent, last = path
    layout, around = _around(text, tuple(parent))
    if around.kind != "list" or not isinstance(last, int) or not 0 <= last + by < len(around.entries):
        return text
    first = min(last, last + by)
    return _checked(text, path, _swapped(layout, around, first), lambda tree: _swap(_at(tree, tuple(parent)), first))


# ----------------------------------------------------------------------------------------------------------- values


def _with_value(text: str, path: KeyPath, value: Any) -> str:
    layout = Layout(text)
    part, depth = layout.root, 0
    key: Part | None = None
    while part is not None and depth < len(path):
        if part.kind not in ("mapping", "list"):
            break
        found = part.find(path[depth])
        if found is None:
            return _added(layout, part, path[depth:], value)
        key = next((name for name, entry_ in part.entries if entry_ is found), None)
        part, depth = found, depth + 1
    if part is None:
        return f"{text}{entry(str(path[0]), _nested(path[1:], value), 0, flow=False)}\n"
    if depth < len(path) and not (part.kind == "scalar" and part.text in ("", "null", "~")):
        raise RecipeError(f'"{key_path(path[:depth])}" holds no settings to change', [])
    return _replaced(layout, part, key, _nested(path[depth:], value))


def _replaced(layout: Layout, part: Part, key: Part | None, value: Any) -> str:
    text, start = layout.text, part.start
    column = layout.indent(key.start if key else start)
    if key and part.kind in ("mapping", "list") and not part.flow:
        start = text.index(":", key.end) + 1
    new = written(value, column, flow=part.inside)
    if "\n" in new and text[part.end : layout.line_end(part.end)].strip():
        new = in_line(value)  # a comment follows, which would become a part of a block
    gap = " " if text[start - 1 : start] in (":", "-") else ""
    return text[:start] + gap + new + text[part.end :]


def _added(layout: Layout, part: Part, path: KeyPath, value: Any) -> str:
    text, key, nested = layout.text, path[0], _nested(path[1:], value)
    if part.kind == "list" or not isinstance(key, str):
        raise RecipeError(f'there is no "{key_path(path)}" to change', [])
    if part.flow:
        return _before_bracket(text, part, entry(key, nested, 0, flow=True))
    at = layout.line_end(part.end)
    line_feed = "" if text[:at].endswith("\n") else "\n"
    return f"{text[:at]}{line_feed}{' ' * part.column}{entry(key, nested, part.column, flow=False)}\n{text[at:]}"


def _before_bracket(text: str, part: Part, new: str) -> str:
    before = text[: part.end - 1].rstrip()
    comma = "" if before.endswith(("{", "[", ",")) else ", "
    return f"{before}{comma or (' ' if before.endswith(',') else '')}{new}{text[part.end - 1 :]}"


def _nested(path: KeyPath, value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


# ------------------------------------------------------------------------------------------------------------ lists


def _appended(layout: Layout, part: Part, value: Any) -> str:
    text = layout.text
    if part.flow:
        return _before_bracket(text, part, in_line(value))
    at = layout.line_end(part.end)
    line_feed = "" if text[:at].endswith("\n") else "\n"
    sibling = part.entries[-1][1]
    as_block = isinstance(value, dict) and value and sibling.kind == "mapping" and not sibling.flow
    shown = block(value, part.column + 2) if as_block else in_line(value)
    return f"{text[:at]}{line_feed}{' ' * part.column}- {shown}\n{text[at:]}"


def _swapped(layout: Layout, part: Part, first: int) -> str:
    text = layout.text
    one, other = part.entries[first][1], part.entries[first + 1][1]
    if part.flow:
        return text[: one.start] + text[other.start : other.end] + text[one.end : other.start] + text[
            one.start : one.end
        ] + text[other.end :]  # fmt: skip
    before = part.entries[first - 1][1].end if first else None
    # The lines above the first dash are comments of the first item, but the line of the list's own key is not.
    begin = layout.line_start(layout.dash(one)) if before is None else layout.line_end(before)
    middle, end = layout.line_end(one.end), layout.line_end(other.end)
    lower, upper = text[middle:end], text[begin:middle]
    return text[:begin] + (lower if lower.endswith("\n") else f"{lower}\n") + upper + text[end:]


def _without(layout: Layout, part: Part, number: int) -> str:
    text = layout.text
    key, value = part.entries[number]
    begin = key.start if key else value.start
    if len(part.entries) == 1:
        empty = "{}" if part.kind == "mapping" else "[]"
        return _emptied(layout, part, empty)
    if part.flow:
        if number == 0:
            key, value = part.entries[1]
            return text[:begin] + text[key.start if key else value.start :]
        return text[: part.entries[number - 1][1].end] + text[value.end :]
    begin = begin if key else layout.dash(value)
    if text[layout.line_start(begin) : begin].strip():  # it shares its line with the dash of a list
        following = part.entries[number + 1][0] if number + 1 < len(part.entries) else None
        return text[:begin] + text[following.start :] if following else text
    return text[: layout.line_start(begin)] + text[layout.line_end(value.end) :]


def _emptied(layout: Layout, part: Part, empty: str) -> str:
    text = layout.text
    if part.flow:
        return text[: part.start] + empty + text[part.end :]
    start = len(text[: layout.line_start(part.start)].rstrip()) if _alone(layout, part) else part.start
    return f"{text[:start]}{' ' if text[start - 1 : start] in (':', '-') else ''}{empty}{text[part.end :]}"


def _alone(layout: Layout, part: Part) -> bool:
    """Return whether a block begins on a line of its own, right below its key."""
    above = layout.text[: layout.line_start(part.start)].rstrip()
    first = part.entries[0][1] if part.kind == "list" else part
    start = layout.dash(first) if part.kind == "list" else part.start
    return above.endswith(":") and not layout.text[layout.line_start(start) : start].strip()


# ---------------------------------------------------------------------------------------------------- reading back


def _around(text: str, path: KeyPath) -> tuple[Layout, Part]:
    layout = Layout(text)
    part = layout.at(path)
    if part is None or part.kind not in ("mapping", "list"):
        raise RecipeError(f'"{key_path(path)}" holds no settings to change', [])
    return layout, part


def _checked(text: str, path: KeyPath, new: str, change: Callable[[Any], object]) -> str:
    """Return the changed text if it says what is wanted and nothing else."""
    before, after = (read_tree(each.encode(), "") for each in (text, new))
    wanted = copy.deepcopy(before.value)
    try:
        change(wanted)
    except (LookupError, TypeError) as error:
        raise RecipeError(f'there is no "{key_path(path)}" to change', []) from error
    if after.value != wanted or len(after.problems) > len(before.problems):
        raise RecipeError(
            f'"{key_path(path)}" cannot be changed here without touching what stands around it',
            [],
            "Change it in the YAML itself.",
        )
    return new


def _at(tree: Any, path: KeyPath) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _set(tree: Any, path: KeyPath, value: Any) -> None:
    for key in path[:-1]:
        if isinstance(tree, dict) and tree.get(key) is None:
            tree[key] = {}
        tree = tree[key]
    tree[path[-1]] = value


def _drop(tree: Any, path: KeyPath) -> None:
    del _at(tree, path[:-1])[path[-1]]


def _swap(items: list[Any], first: int) -> None:
    items[first], items[first + 1] = items[first + 1], items[first]
