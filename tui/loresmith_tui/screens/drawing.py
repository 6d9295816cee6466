"""A room from which replies are drawn to be judged, and which shows how far that is."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from loresmith_tui.jobs import STARTING
from loresmith_tui.labelling import Labelling
from loresmith_tui.screens.room import Room
from loresmith_tui.shown import one_line, plain
from loresmith_tui.widgets.bars import share
from loresmith_tui.widgets.how import ask_how

EVERY = 0.5
"""Seconds between two looks while replies are drawn."""


class DrawingRoom(Room):
    """Has replies drawn, stops that, and watches it, whoever started it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "draw", "Draw", tooltip="Draw replies to more questions; go on ranking meanwhile"),
        Binding("x", "stop", "Stop", show=False, tooltip="Stop drawing; what is drawn is kept"),
        Binding("o", "options", "How", tooltip="How many replies, how far apart, by which rung, to how many questions"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._labelling: Labelling | None = None
        self.drawing = False

    def on_mount(self) -> None:
        """Look again and again while replies are drawn."""
        self.set_interval(EVERY, self._look)

    @property
    def labelling(self) -> Labelling:
        """What is asked of the core; another project has its own."""
        if self._labelling is None or self._labelling.project != self.session.project:
            self._labelling = Labelling(self.session)
        return self._labelling

    def drawn(self) -> None:
        """Called again and again while replies are drawn, and once after: there may be new ones."""

    @property
    def progress(self) -> str:
        """How far the drawing is; empty where there is none."""
        if not self.drawing:
            return ""
        activity, percent, left = self.session.jobs.progress() or STARTING
        return f"{share(percent, 100, 8)} {one_line(activity, 30)}{left}, x stops   "

    def action_draw(self) -> None:
        """Draw replies to more questions."""
        if self.session.project:
            self.beside(self.labelling.draw, self._started, group="draw")

    def _started(self, _: None) -> None:
        self.drawing = True
        self.read()

    def action_stop(self) -> None:
        """Stop drawing."""
        if not self.drawing:
            self.say("No replies are being drawn.")
            return
        self.beside(self.session.jobs.stop, lambda _: self.say("stopping; what is drawn is kept"), group="draw")

    def action_options(self) -> None:
        """Ask what shall be drawn otherwise."""
        if self.session.project:
            ask_how(self, self.labelling, self.read)

    def _look(self) -> None:
        if not self.drawing or not self.is_current:
            return
        if not self.labelling.at_work:
            self.drawing = False
            self._ended()
        self.drawn()

    def _ended(self) -> None:
        jobs = self.session.jobs
        said = jobs.said()
        if jobs.code == 0:
            self.say("\n".join(said[-1:]))
        elif jobs.code is not None and jobs.code != 130:
            self.notify(plain("\n".join(said[-4:])), title="drawing ended", severity="error", markup=False, timeout=12)
