"""One question of the ladder with every rung's answer, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from loresmith.ladder.report.questions import Question, Reply
from loresmith_tui.shown import one_line, plain, signs

NARROW = 116
"""Columns under which answers stand below each other."""


class QuestionScreen(ModalScreen[None]):
    """Leafs through questions.

    Args:
        questions: The questions, in the order they are leafed through.
        place: The one to begin with.
        metric: The metric whose scores are shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close"),
        Binding("n,right_square_bracket", "turn(1)", "Next"),
        Binding("b,left_square_bracket", "turn(-1)", "Before"),
    ]

    def __init__(self, questions: Sequence[Question], place: int, metric: str) -> None:
        super().__init__()
        self._questions, self._place, self._metric = questions, place, metric

    def compose(self) -> ComposeResult:
        """Put question, wanted reply and answers into a frame."""
        with Vertical(classes="dialog tall", id="whole"):
            yield Static("", id="asked", markup=False)
            yield Container(id="answers")
        yield Footer(show_command_palette=False)

    def on_resize(self) -> None:
        """Put the answers beside each other where there is room, else below each other."""
        self.set_class(self.size.width < NARROW, "-narrow")

    def on_mount(self) -> None:
        """Show the first one."""
        self._show()

    def action_turn(self, by: int) -> None:
        """Leaf on, round at the ends."""
        self._place = (self._place + by) % len(self._questions)
        self._show()

    def _show(self) -> None:
        question = self._questions[self._place]
        head = f"{self._place + 1} of {len(self._questions)}, {question.stratum}"
        lines = [head, f"Q: {plain(question.question)}", f"wanted: {plain(question.gold)}"]
        self.query_one("#asked", Static).update("\n".join(lines))
        answers = self.query_one("#answers", Container)
        answers.remove_children()
        answers.mount_all(self._column(reply) for reply in question.replies)

    def _column(self, reply: Reply) -> VerticalScroll:
        score = "-" if reply.score is None else f"{reply.score:.2f}"
        head = f"{signs().here if reply.shipped else ' '} {reply.rung}   {self._metric} {score}"
        cited = []
        for citation in reply.row["citations"]:
            check = signs().good if citation["supported"] else f"{signs().bad} unsupported"
            cited.append(f"[{citation['n']}] {citation['document']} {check}")
        body = "\n".join([plain(reply.row["answer"]), "", *map(one_line, cited)])
        column = VerticalScroll(
            Static(head, classes="title", markup=False), Static(body, classes="text", markup=False), classes="answer"
        )
        column.can_focus = True
        return column
