"""The room of runs: what was built, what each is made of, what two differ in, and which is the assistant."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.coordinate import Coordinate
from textual.widgets import Static

from loresmith.artefact import Artefact
from loresmith.cli.runs import difference_text, run_text
from loresmith_tui.screens.home import HEADS, run_cells
from loresmith_tui.screens.reading import Reading
from loresmith_tui.screens.room import Room
from loresmith_tui.shown import plain, signs
from loresmith_tui.widgets.promoting import ask_to_promote, ask_to_roll_back
from loresmith_tui.widgets.table import Table

WIDE = 90
"""Columns from which on the list says when a run was started; its id says so too."""


class RunsScreen(Room):
    """All runs of the project, latest first."""

    ROOM = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", tooltip="Mark the run to compare another one with it"),
        Binding("c", "compare", "Compare", tooltip="Show what the chosen run and the marked one differ in"),
        Binding("l", "ladder", "Ladder", tooltip="Show the ladder of the chosen run"),
        Binding("p", "promote", "Promote", tooltip="Make the chosen run the project's assistant"),
        Binding("u", "roll_back", "Roll back", tooltip="Make what was promoted before the project's assistant again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[dict[str, Any]] = []
        self._marked: str | None = None

    def furnish(self) -> ComposeResult:
        """Yield the list, and the chosen run."""
        yield Static("", id="empty", classes="empty", markup=False)
        yield Table(("", *HEADS), id="list")
        with VerticalScroll(id="detail"):
            yield Static("", id="run", classes="text", markup=False)

    def read(self) -> None:
        """Read the runs."""
        if self.session.project is None:
            self._show([], "No project here. Press 1, then n to start one from a recipe.")
            return
        self.beside(self.session.runs, lambda rows: self._show(rows, "No runs yet. Press 5, then b to build."))

    def _show(self, rows: list[dict[str, Any]], otherwise: str) -> None:
        self._rows = rows
        table, empty = self.query_one(Table), self.query_one("#empty", Static)
        table.display = self.query_one("#detail").display = bool(rows)
        empty.display = not rows
        empty.update(plain(otherwise))
        heads = HEADS if self.size.width >= WIDE else HEADS[:-1]
        cells = ((row["run"], run_cells(self, row)[: len(heads)]) for row in rows)
        table.fill(((run, [self._sign(run), *shown]) for run, shown in cells), ("", *heads))
        if rows:
            table.focus()

    def _sign(self, run_id: str) -> Text:
        return Text(signs().here if run_id == self._marked else " ")

    def on_data_table_row_highlighted(self) -> None:
        """Show the chosen run below."""
        run_id = self.query_one(Table).chosen
        if run_id:
            self.beside(lambda: self._text(run_id), self.query_one("#run", Static).update, group="detail")

    def _text(self, run_id: str) -> str:
        row = next((row for row in self._rows if row["run"] == run_id), None)
        return run_text(self.session.run(run_id), row["promoted"] if row else None)

    def on_data_table_row_selected(self) -> None:
        """Show the chosen run on the whole screen."""
        run_id = self.query_one(Table).chosen
        if run_id:
            self.beside(lambda: self._text(run_id), lambda text: self._open(run_id, text), group="whole")

    def _open(self, title: str, text: str) -> None:
        self.app.push_screen(Reading(title, text))

    def on_resize(self) -> None:
        """Show the columns there is room for."""
        if self._rows:
            self._show(self._rows, "")

    def action_mark(self) -> None:
        """Mark the chosen run, or take the mark away."""
        table = self.query_one(Table)
        before, self._marked = self._marked, None if table.chosen == self._marked else table.chosen
        for run_id in (before, self._marked):
            if run_id in table.keys:
                table.update_cell_at(Coordinate(table.keys.index(run_id), 0), self._sign(run_id))

    def action_compare(self) -> None:
        """Show what two runs differ in."""
        one, other = self._marked, self.query_one(Table).chosen
        if one is None or other is None or one == other:
            self.say("Mark a run with the space bar, go to another one, then press c.")
            return
        self.beside(
            lambda: difference_text(self.session.difference(one, other)),
            lambda text: self._open(f"{one} and {other}", text),
            group="whole",
        )

    def action_ladder(self) -> None:
        """Show the ladder of the chosen run."""
        from loresmith_tui.screens.ladder import LadderScreen

        LadderScreen.wanted = self.query_one(Table).chosen
        self.app.switch_mode("ladder")

    def action_promote(self) -> None:
        """Promote what the chosen run's verdict says, after a question."""
        row = next((row for row in self._rows if row["run"] == self.query_one(Table).chosen), None)
        if row is None:
            return
        if not row["ship"]:
            self.say("This run has no verdict yet: let it be built to the end first (room 5, key r).")
            return
        ask_to_promote(self, row["run"], row["ship"], self._promoted)

    def _promoted(self, artefact: Artefact) -> None:
        self.say(f"promoted {artefact.rung} of {artefact.run} as version {artefact.version}")
        self.read()

    def action_roll_back(self) -> None:
        """Go back to what was promoted before."""
        if self.session.project:
            ask_to_roll_back(self, self._rolled_back)

    def _rolled_back(self, artefact: Artefact) -> None:
        self.say(f"back to {artefact.rung} of {artefact.run}, version {artefact.version}")
        self.read()
