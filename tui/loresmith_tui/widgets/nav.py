"""The line at the top: where one is, and where one can go."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from loresmith_tui.rooms import ROOMS

WIDE = 84
"""Columns from which on the names of the rooms stand apart."""


class Nav(Static):
    """The rooms with their keys; a click goes there.

    Args:
        room: The room one is in.
    """

    def __init__(self, room: str) -> None:
        super().__init__("", markup=False)
        self._room = room

    def on_resize(self) -> None:
        """Draw the line for the width there is."""
        gap = "  " if self.size.width >= WIDE else " "
        self.update(Content(gap).join(self._place(name) for name in ROOMS))

    def _place(self, name: str) -> Content:
        place, here = ROOMS[name], name == self._room
        key, style = ("bold $background on $primary",) * 2 if here else ("bold $primary", "$foreground")
        title = f" {place.title}" if here else place.title
        return Content.from_markup(f"[@click=app.go('{name}')][{key}]{place.key}[/][{style}]{title}[/][/]")
