"""The room of plugins: what is loaded, what each provides, and why one failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from loresmith.host import PluginStatus
from loresmith.registry import KINDS
from loresmith_tui.screens.room import Room
from loresmith_tui.shown import plain
from loresmith_tui.widgets.table import Table, styled

COLOURS = {"loaded": "success", "disabled": "text-muted", "incompatible": "error", "failed": "error"}


class PluginsScreen(Room):
    """All plugins, those that failed first."""

    ROOM = "plugins"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "switch", "Disable/enable", tooltip="Leave the plugin out for this sitting, or take it in again"),
    ]

    def furnish(self) -> ComposeResult:
        """Yield the list, and the chosen plugin."""
        yield Static("", id="counts", classes="title", markup=False)
        yield Table(("plugin", "state", "version", "from", "provides"), id="list")
        with VerticalScroll(id="detail"):
            yield Static("", id="plugin", classes="text", markup=False)

    def read(self) -> None:
        """Load the plugins if they are not, and list them."""
        self.beside(self.session.plugins, self._show)

    def _show(self, statuses: Sequence[PluginStatus]) -> None:
        table = self.query_one(Table)
        ordered = sorted(statuses, key=lambda status: (status.state not in ("failed", "incompatible"), status.name))
        table.fill((status.name, self._cells(status)) for status in ordered)
        counts = {state: sum(status.state == state for status in statuses) for state in COLOURS}
        text = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        self.query_one("#counts", Static).update(text or "No plugin is installed: not even the built-in ones are.")
        table.focus()

    def _cells(self, status: PluginStatus) -> list[Any]:
        colour = self.app.theme_variables.get(COLOURS[status.state], "")
        state = styled(status.state, colour if colour.startswith("#") else "dim")
        return [status.name, state, status.version, status.distribution, status.error or status.offers or "nothing"]

    def on_data_table_row_highlighted(self) -> None:
        """Show the chosen plugin below: its error, or its parts with their options."""
        status = self._chosen()
        if status:
            self.query_one("#plugin", Static).update(plain("\n".join(self._lines(status))))

    def _chosen(self) -> PluginStatus | None:
        name = self.query_one(Table).chosen
        return next((status for status in self.session.plugins() if status.name == name), None)

    def _lines(self, status: PluginStatus) -> Iterator[str]:
        origin = status.distribution or "nowhere installed"
        yield f"{status.name}: {status.state}, from {origin} {status.version}".rstrip()
        if status.error:
            yield status.error
            yield "Mend it and open the app again, or leave it out: d here, --no-plugin on the command line."
        if status.hears:
            yield f"hooks: {', '.join(status.hears)}"
        for kind, names in status.provides.items():
            for name in names:
                spec = self.session.host.registry.get(KINDS[kind], name)
                yield f"{kind.removesuffix('s')} {name}: {spec.summary}"
                yield from (f"  {key}: {field.description or ''}" for key, field in spec.options.model_fields.items())

    def action_switch(self) -> None:
        """Leave the chosen plugin out, or take it in again."""
        status = self._chosen()
        if status is None:
            return
        self.beside(lambda: self.session.switch_plugin(status.name), self._switched, group="switch")

    def _switched(self, status: PluginStatus) -> None:
        self.say(f"{status.name} is {status.state} for this sitting")
        self.read()
