"""YAML read with the line of every key, and without any of YAML's ways to run code, loop or swell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from loresmith.errors import Problem

KeyPath = tuple[str | int, ...]

MOST_NODES = 20_000
"""A recipe has some hundred values; anchors that multiply into more are an attack or an accident."""
DEEPEST = 40
LARGEST = 1_000_000


@dataclass(slots=True)
class Tree:
    """A YAML mapping as plain values, the 1-based line of each key path, and what is wrong with the text."""

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line of a key path, or that of the nearest mapping around it."""
        place = tuple(path)
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_tree(raw: bytes, file: str, kind: str = "recipe") -> Tree:
    """Read a YAML file that holds one mapping; `kind` is what messages call it."""
    tree = Tree()
    reader = _Reader(tree, file, kind)
    try:
        reader.read(_decoded(raw, kind))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        reader.problem("this is not UTF-8 text", line, hint="Save the file as UTF-8.")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.problem(_said(error, kind), mark.line + 1 if mark else 1)
    except yaml.reader.ReaderError as error:
        line = raw.decode("utf-8-sig", "replace").count("\n", 0, error.position) + 1
        reader.problem(f"the character U+{_code(error.character):04X} may not stand in YAML", line)
    except (_TooMuch, RecursionError) as error:
        reader.problem(str(error) if isinstance(error, _TooMuch) else "this is nested too deeply", 1)
    return tree


class _TooMuch(Exception):
    """The text holds more than anybody writes by hand."""


def _decoded(raw: bytes, kind: str) -> str:
    if len(raw) > LARGEST:
        raise _TooMuch(f"this has {len(raw)} bytes; a {kind} has at most {LARGEST}")
    return raw.decode("utf-8-sig")


class _Reader:
    def __init__(self, tree: Tree, file: str, kind: str) -> None:
        self._tree = tree
        self._file = file
        self._kind = kind
        self._nodes = 0

    def problem(self, what: str, line: int, path: KeyPath = (), hint: str = "") -> None:
        self._tree.problems.append(Problem(what, self._file, line, key_path(path), hint))

    def read(self, text: str) -> None:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            self._loader = loader
            if node is None:
                hint = "Start from a shipped recipe: `loresmith recipes ls`." if self._kind == "recipe" else ""
                self.problem("the file is empty", 1, hint=hint)
            elif not isinstance(node, yaml.MappingNode):
                self.problem(f"a {self._kind} is a mapping (key: value)", node.start_mark.line + 1)
            else:
                self._tree.value = self._value(node, ())
        finally:
            loader.dispose()

    def _value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES or len(path) > DEEPEST:
            raise _TooMuch(f"the anchors of this file multiply into more than a {self._kind} can hold")
        self._tree.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, str):
                self.problem("a key must be text", line, path)
                continue
            if key in values:
                first = self._tree.lines[(*path, key)]
                self.problem(f"given twice; first in line {first}", line, (*path, key), "Keep one of the two.")
                continue
            self._tree.lines[(*path, key)] = line
            values[key] = self._value(value_node, (*path, key))
        return values

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            self.problem(f"cannot be read as a value: {str(node.value)[:60]}", node.start_mark.line + 1, path)
            return None


def key_path(path: Sequence[str | int]) -> str:
    """Write a key path as people do: `training[0].rank`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _said(error: yaml.MarkedYAMLError, kind: str) -> str:
    problem = error.problem or "this is not YAML"
    if "'\\t'" in problem:
        return "a tab is used to indent; YAML wants spaces"
    if "expected a single document" in f"{error.context} {problem}":
        return f"there is more than one YAML document in this file; a {kind} is one"
    return f"this is not YAML: {problem}" + (f" ({error.context})" if error.context else "")


def _code(character: Any) -> int:
    return ord(character) if isinstance(character, str) else int(character)
