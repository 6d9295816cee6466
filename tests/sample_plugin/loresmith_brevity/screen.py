"""A room of the terminal app: how long the answers of the latest run are."""

from __future__ import annotations

from statistics import fmean

from textual.app import ComposeResult
from textual.widgets import Static

from loresmith_tui.screens.room import Room
from loresmith_tui.widgets.table import Table


class BrevityRoom(Room):
    """Words an answer, rung by rung."""

    ROOM = "brevity"

    def furnish(self) -> ComposeResult:
        """Yield a title and the table."""
        yield Static("Words an answer, in the latest run that was measured", classes="title")
        yield Table(("rung", "answers", "mean", "longest"))

    def read(self) -> None:
        """Count beside the screen, and show it then."""
        self.beside(self._counted, self.query_one(Table).fill)

    def _counted(self) -> list[tuple[str, list[str]]]:
        run = self.session.latest(measured=True)
        rows = []
        for rung in run.answered_rungs() if run else []:
            words = [len(row["answer"].split()) for row in run.answers(rung)]
            rows.append((rung, [rung, str(len(words)), f"{fmean(words):.1f}", str(max(words))]))
        return rows
