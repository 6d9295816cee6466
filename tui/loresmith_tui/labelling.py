"""What the room of preferences asks of the core: tasks, how replies are drawn, and where the rows go. No screen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from loresmith.journal.judgements import Counts, Judgements, Task
from loresmith.labelling.drawing import Drawing, usual_rung
from loresmith.labelling.export import Exported, Written, export, take_in, taken_in
from loresmith.labelling.rows import Thumb, pair_rows, thumbs
from loresmith_tui.session import Session

COLDEST, HOTTEST = 0.01, 10.0
"""Temperatures that `loresmith label` takes."""
QUESTIONS = 20
"""Questions that replies are drawn to at once, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands: what was judged, what comes of it, and the task that is next."""

    counts: Counts
    pairs: int
    thumbs: int
    task: Task | None


class Labelling:
    """Tasks, judgements and rows of the project.

    Args:
        session: The project.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.project = session.here
        self.drawing = Drawing()
        self.questions = QUESTIONS
        self._judgements = Judgements(self.project)
        self._begun = False

    def standing(self) -> Standing:
        """Return how it stands; raises JournalError if the journal cannot be used."""
        judged = self._judgements
        return Standing(judged.counts(), len(pair_rows(self.project)), len(thumbs(self.project)), judged.next())

    def judge(self, task: Task, ranking: tuple[int, ...] | None) -> Standing:
        """Keep a judgement, None for skipped, and return how it stands then."""
        self._judgements.judge(task, ranking)
        return self.standing()

    def undo(self) -> Standing | None:
        """Take the latest judgement back; None if there is none."""
        return self.standing() if self._judgements.undo() else None

    def thumbs(self) -> list[Thumb]:
        """Return the answers that were judged in chat."""
        return thumbs(self.project)

    @property
    def rung(self) -> str:
        """The rung that replies."""
        return self.drawing.rung or usual_rung(self.project)

    def settle(self, **changes: Any) -> bool:
        """Draw otherwise from now on; the fields are those of `Drawing`."""
        self.drawing = replace(self.drawing, **changes)
        return True

    def settle_temperature(self, text: str) -> bool:
        """Draw at another temperature, if the text is one."""
        try:
            wanted = float(text)
        except ValueError:
            return False
        return COLDEST <= wanted <= HOTTEST and self.settle(temperature=wanted)

    def settle_questions(self, text: str) -> bool:
        """Draw to another number of questions, if the text is one."""
        if not text.isdecimal() or not int(text):
            return False
        self.questions = int(text)
        return True

    def draw(self) -> None:
        """Begin to draw replies, in a process of its own; raises LockHeld if another command is at work."""
        drawing = self.drawing
        rung = ("--rung", drawing.rung) if drawing.rung else ()
        self._session.jobs.start(
            "label", "--draw", "--count", str(self.questions), "--replies", str(drawing.replies),
            "--temperature", str(drawing.temperature), *rung,
        )  # fmt: skip
        self._begun = True

    @property
    def at_work(self) -> bool:
        """Whether replies are being drawn, whoever asked for them."""
        holder, running = self._session.jobs.at_work(), self._session.jobs.running
        # While a command loads its libraries it holds nothing yet, and it may be one that another room started.
        self._begun = self._begun and running
        return self._begun or (holder is not None and holder.command.startswith("label"))

    def export(self) -> tuple[Exported, list[Written]]:
        """Write the rows; return what was written, and which files the recipe does not take in yet."""
        written = export(self.project)
        recipe = self._session.recipe()
        return written, [each for each in written.files if not taken_in(self.project, recipe, each)]

    def take_in(self, files: list[Written]) -> None:
        """Write files into the recipe; comments and order stay."""
        for each in files:
            take_in(self.project, each)
