"""The room of the doctor: what this machine and this installation can do."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from loresmith.cli.doctor import doctor_text
from loresmith_tui.screens.room import Room


class DoctorScreen(Room):
    """What `loresmith doctor` prints."""

    ROOM = "doctor"

    def furnish(self) -> ComposeResult:
        """Yield the page."""
        with VerticalScroll():
            yield Static("Looking at this machine…", id="found", classes="text", markup=False)

    def read(self) -> None:
        """Look anew."""
        self.beside(self.session.doctor, self._show)

    def _show(self, found: dict[str, Any]) -> None:
        self.query_one("#found", Static).update(doctor_text(found))
        self.query_one(VerticalScroll).focus()
