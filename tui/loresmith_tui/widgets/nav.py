"""The line at the top: where one is, and where one can go."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from loresmith_tui.rooms import ROOMS


class Nav(Static):
    """The rooms with their keys; a click goes there.

    Args:
        room: The room one is in; one that a plugin brings is found under More.
    """

    def __init__(self, room: str) -> None:
        super().__init__("", markup=False)
        self._room = room if room in ROOMS else "more"

    def on_resize(self) -> None:
        """Draw the line for the width there is: whole names, short ones, or the name of this room alone."""
        whole = {name: place.title for name, place in ROOMS.items()}
        short = {name: place.short or place.title for name, place in ROOMS.items()}
        here = {name: whole[name] if name == self._room else "" for name in ROOMS}
        lines = [self._line(whole, "  "), self._line(short, " "), self._line(here, " ")]
        self.update(next((line for line in lines if line.cell_length <= self.size.width), lines[-1]))

    def _line(self, titles: dict[str, str], gap: str) -> Content:
        return Content(gap).join(self._place(name, title) for name, title in titles.items())

    def _place(self, name: str, title: str) -> Content:
        key = ROOMS[name].key.upper()
        if name == self._room:  # no link: it leads nowhere, and would have a link's colours
            return Content.from_markup(f"[bold $background on $primary]{key} {title}[/]")
        return Content.from_markup(f"[@click=app.go('{name}')][bold]{key}[/]{title}[/]")
