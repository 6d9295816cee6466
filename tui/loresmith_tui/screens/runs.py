"""The room of runs: what was built, what each is made of, what two differ in, and which is the assistant."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from loresmith.artefact import Artefact
from loresmith.cli.runs import difference_text, run_text
from loresmith_tui.screens.home import run_cells
from loresmith_tui.screens.reading import Reading
from loresmith_tui.screens.room import Room
from loresmith_tui.shown import plain, signs
from loresmith_tui.widgets.long_table import Head, LongTable
from loresmith_tui.widgets.promoting import ask_to_promote, ask_to_roll_back
from loresmith_tui.widgets.table import Cell

WIDE = 106
"""Columns from which on the list says when a run was started; its id says so too."""
NARROW_HEADS = (
    Head("", 1), Head("run", 18), Head("state", 11), Head("verdict", 10), Head("score", 20), Head("promoted", 0),
)  # fmt: skip
HEADS = (*NARROW_HEADS[:1], Head("run", 21), *NARROW_HEADS[2:5], Head("promoted", 8), Head("started", 0))


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
        yield LongTable(HEADS, id="list")
        with VerticalScroll(id="detail"):
            yield Static("", id="run", classes="text", markup=False)

    def read(self) -> None:
        """Read the runs."""
        if self.session.project is None:
            self._show([], "No project here. Press 1, then n to start one from a recipe.")
            return
        self.beside(self.session.runs, lambda rows: self._show(rows, "No runs yet. Press 5, then b to build."))

    def _show(self, rows: list[dict[str, Any]], otherwise: str) -> None:
        before, self._rows = self._chosen, rows
        table, empty = self.query_one(LongTable), self.query_one("#empty", Static)
        table.display = self.query_one("#detail").display = bool(rows)
        empty.display = not rows
        empty.update(plain(otherwise))
        place = next((place for place, row in enumerate(rows) if before and row["run"] == before["run"]), 0)
        table.fill(len(rows), self._cells, place, HEADS if self.size.width >= WIDE else NARROW_HEADS)
        if rows:
            table.focus()

    def _cells(self, place: int) -> list[Cell]:
        row = self._rows[place]
        shown = HEADS if self.size.width >= WIDE else NARROW_HEADS
        return [signs().here if row["run"] == self._marked else "", *run_cells(self, row)][: len(shown)]

    @property
    def _chosen(self) -> dict[str, Any] | None:
        """The chosen run as it is listed."""
        place = self.query_one(LongTable).cursor
        return self._rows[place] if 0 <= place < len(self._rows) else None

    @on(LongTable.Highlighted)
    def show_below(self) -> None:
        """Show the chosen run below."""
        if row := self._chosen:
            self.beside(lambda: self._text(row), self.query_one("#run", Static).update, group="detail")

    def _text(self, row: dict[str, Any]) -> str:
        return run_text(self.session.run(row["run"]), row["promoted"])

    @on(LongTable.Selected)
    def show_whole(self) -> None:
        """Show the chosen run on the whole screen."""
        if row := self._chosen:
            self.beside(lambda: self._text(row), lambda text: self._open(row["run"], text), group="whole")

    def _open(self, title: str, text: str) -> None:
        self.app.push_screen(Reading(title, text))

    def on_resize(self) -> None:
        """Show the columns there is room for."""
        if self._rows:
            self._show(self._rows, "")

    def action_mark(self) -> None:
        """Mark the chosen run, or take the mark away."""
        if row := self._chosen:
            self._marked = None if row["run"] == self._marked else row["run"]
            self.query_one(LongTable).refresh()

    def action_compare(self) -> None:
        """Show what two runs differ in."""
        one, other = self._marked, self._chosen["run"] if self._chosen else None
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

        LadderScreen.wanted = self._chosen["run"] if self._chosen else None
        self.app.switch_mode("ladder")

    def action_promote(self) -> None:
        """Promote what the chosen run's verdict says, after a question."""
        row = self._chosen
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
