"""What can be pressed on a screen: for the page of keys and for the command palette."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen


@dataclass(frozen=True, slots=True)
class Keyed:
    """An action that a key calls."""

    keys: str
    title: str
    help: str
    action: str
    node: DOMNode


def keyed(screen: Screen[Any]) -> Iterator[Keyed]:
    """Yield the actions of a screen and of the app, each once with its keys; those of single widgets are left out.

    An action of the app whose key the screen has for something else has no key here, but is there all the same.
    """
    found: dict[tuple[str, DOMNode], tuple[Binding, list[str]]] = {}
    for active in screen.active_bindings.values():
        binding, node = active.binding, active.node
        if node in (screen, screen.app) and binding.description and binding.tooltip:
            found.setdefault((binding.action, node), (binding, []))[1].append(screen.app.get_key_display(binding))
    for bindings in screen.app._bindings.key_to_bindings.values():
        for binding in bindings:
            if binding.description and binding.tooltip:
                found.setdefault((binding.action, screen.app), (binding, []))
    for (action, node), (binding, keys) in found.items():
        yield Keyed(" ".join(dict.fromkeys(keys)), binding.description, binding.tooltip, action, node)
