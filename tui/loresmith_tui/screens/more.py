"""The room of rooms that plugins bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from loresmith.host import PluginHost
from loresmith.specs import ScreenSpec
from loresmith_tui.screens.room import Room
from loresmith_tui.widgets.table import Table

if TYPE_CHECKING:
    from loresmith_tui.app import LoresmithApp

EMPTY = (
    "No plugin brings a room. A plugin does by the hook register_screens; 0 shows which plugins are loaded and why one "
    "failed."
)


class MoreScreen(Room):
    """All rooms of plugins."""

    ROOM = "more"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "Enter", tooltip="Go to the chosen room"),
    ]

    def furnish(self) -> ComposeResult:
        """Yield the list."""
        yield Static("", id="empty", classes="empty", markup=False)
        yield Static("Rooms that plugins bring", id="head", classes="title")
        yield Table(("room", "what for", "plugin"), id="list")

    def read(self) -> None:
        """List the rooms."""
        self.beside(lambda: rooms_of(self.session.host), self._show)

    def _show(self, rooms: Sequence[tuple[ScreenSpec, str]]) -> None:
        table, empty = self.query_one(Table), self.query_one("#empty", Static)
        table.display = self.query_one("#head").display = bool(rooms)
        empty.display = not rooms
        empty.update(EMPTY)
        table.fill((spec.name, (spec.name, spec.summary, plugin)) for spec, plugin in rooms)
        if rooms:
            table.focus()

    def on_data_table_row_selected(self) -> None:
        """Go to the chosen room."""
        self.action_enter()

    def action_enter(self) -> None:
        """Go to the chosen room."""
        chosen = self.query_one(Table).chosen
        app: LoresmithApp = self.app  # type: ignore[assignment]
        if chosen:
            app.foreign.enter(chosen)


def rooms_of(host: PluginHost) -> list[tuple[ScreenSpec, str]]:
    """Return the rooms of plugins, each with the name of its plugin."""
    plugins = {name: status.name for status in host.statuses for name in status.provides.get("screens", [])}
    return [(spec, plugins.get(spec.name, "")) for spec in host.registry.of(ScreenSpec)]
