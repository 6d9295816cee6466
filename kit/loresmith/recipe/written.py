"""Writes a value as people write YAML: on one line, or as a block where it is long or has several lines."""

from __future__ import annotations

from typing import Any

import yaml

LONGEST = 100
"""Characters from which on a mapping is written as a block."""


class _Flow(yaml.SafeDumper):
    """Writes everything on one line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "\n" in text else None)


_Flow.add_representer(str, _text)


def in_line(value: Any) -> str:
    """Return a value on one line, as it may stand between brackets too."""
    whole = yaml.dump([value], Dumper=_Flow, default_flow_style=True, width=10**9, sort_keys=False, allow_unicode=True)
    return whole.strip()[1:-1]


def written(value: Any, indent: int, *, flow: bool) -> str:
    """Return a value as it stands after a key.

    Args:
        value: Text, number, truth value, None, or lists and mappings of such.
        indent: The column of the key.
        flow: Whether the key stands between brackets.
    """
    if isinstance(value, str) and not flow:
        return _block_text(value, indent + 2) if _fits_block(value) else _plain(value)
    return in_line(value)


def entry(key: str, value: Any, indent: int, *, flow: bool) -> str:
    """Return a key with its value; a long mapping is written as a block."""
    if not flow and _is_long(value):
        return f"{in_line(key)}:\n{' ' * (indent + 2)}{block(value, indent + 2)}"
    return f"{in_line(key)}: {written(value, indent, flow=flow)}"


def block(mapping: dict[str, Any], indent: int) -> str:
    """Return the entries of a mapping, one a line; the first has no indent."""
    return f"\n{' ' * indent}".join(entry(key, value, indent, flow=False) for key, value in mapping.items())


def _is_long(value: Any) -> bool:
    return isinstance(value, dict) and len(in_line(value)) > LONGEST


def _plain(text: str) -> str:
    dumped = yaml.dump(text, Dumper=_Flow, width=10**9, allow_unicode=True)
    return dumped.removesuffix("\n").removesuffix("\n...")


def _fits_block(text: str) -> bool:
    """Return whether a block says the text exactly: several lines, the first one neither blank nor indented."""
    lines = text.split("\n")
    printable = all(c == "\n" or c.isprintable() for c in text)
    return len(lines) > 1 and printable and bool(lines[0].strip()) and lines[0][0] != " " and not text.endswith("\n\n")


def _block_text(text: str, indent: int) -> str:
    head = "|" if text.endswith("\n") else "|-"
    lines = text.removesuffix("\n").split("\n")
    return "\n".join([head, *(" " * indent + line if line else "" for line in lines)])
