"""The page of keys: what can be pressed on the screen below it."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Label, Static

from loresmith_tui.widgets.keyed import Keyed, keyed
from loresmith_tui.widgets.table import Table, styled


class KeysScreen(ModalScreen[Keyed]):
    """Lists the keys of a screen; is dismissed with the chosen one, or with None.

    Args:
        screen: The screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "Close")]

    def __init__(self, screen: Screen[Any]) -> None:
        super().__init__()
        self._keyed = list(keyed(screen))

    def compose(self) -> ComposeResult:
        """Put the table into a frame."""
        with Vertical(classes="dialog wide"):
            yield Label("Keys   (Enter does it, Escape closes; Ctrl+P finds every action by name)", markup=False)
            yield Table(("", "", ""))
            yield Static("", id="help", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Fill the table."""
        table, primary = self.query_one(Table), self.app.theme_variables["primary"]
        table.show_header = False
        table.fill((each.keys, (styled(each.keys, f"bold {primary}"), each.title, each.help)) for each in self._keyed)

    def on_data_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        """Say the whole of what a row has the beginning of."""
        self.query_one("#help", Static).update(self._keyed[event.cursor_row].help)

    def on_data_table_row_selected(self, event: Table.RowSelected) -> None:
        """Close, and leave what the row says to whoever opened this."""
        self.dismiss(self._keyed[event.cursor_row])
