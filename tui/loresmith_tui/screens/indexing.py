"""A room from which the index is built, and which shows how far that is."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from loresmith.lock import Holder
from loresmith_tui.jobs import STARTING
from loresmith_tui.screens.room import Room
from loresmith_tui.shown import one_line, plain
from loresmith_tui.widgets.bars import share

EVERY = 0.5
"""Seconds between two looks while the index is built."""


class IndexingRoom(Room):
    """Starts indexing, stops it, and watches it, whoever started it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "index", "Index", tooltip="Bring the index up to date with the documents"),
        Binding("R", "rebuild", "Rebuild", show=False, tooltip="Cut and embed everything anew"),
        Binding("s", "stop", "Stop", show=False, tooltip="Stop indexing; what is embedded is kept"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.indexing = False

    def on_mount(self) -> None:
        """Look again and again."""
        self.set_interval(EVERY, self._look)

    def status(self, text: str) -> None:
        """Say something at the top."""
        self.query_one("#status", Static).update(one_line(text))

    def attach(self) -> None:
        """Watch the indexing that another process is at."""
        self.beside(self.session.jobs.at_work, self._attached, group="at-work")

    def _attached(self, holder: Holder | None) -> None:
        self.indexing = self.indexing or bool(holder and holder.command == "index")

    def action_index(self) -> None:
        """Bring the index up to date."""
        self._start("index")

    def action_rebuild(self) -> None:
        """Cut and embed everything anew."""
        self._start("index", "--rebuild")

    def _start(self, *words: str) -> None:
        self.beside(lambda: self.session.jobs.start(*words), self._started, group="start")

    def _started(self, _: None) -> None:
        self.indexing = True
        self.status("starting to index")

    def action_stop(self) -> None:
        """Stop indexing."""
        self.beside(
            self.session.jobs.stop, lambda there: self.say("stopping" if there else "nothing is at work"), group="stop"
        )

    def _look(self) -> None:
        if not self.indexing:
            return
        jobs = self.session.jobs
        if jobs.running or jobs.at_work():
            activity, percent, left = jobs.progress() or STARTING
            self.status(f"{share(percent, 100, 20)} {percent:3} %  {activity}{left}   s stops")
            return
        self.indexing = False
        self._ended(jobs.code, jobs.said())

    def _ended(self, code: int | None, said: list[str]) -> None:
        if code == 0:
            self.say("\n".join(said[-3:]))
        elif code is not None:
            self.notify(plain("\n".join(said[-4:])), title="indexing ended", severity="error", markup=False, timeout=12)
        self.read()
