"""The room of the ladder: how the rungs did, the verdict, and every question with the rungs' answers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from loresmith.artefact import Artefact
from loresmith.ladder.report.questions import Question, side_by_side
from loresmith.runs.run import Run
from loresmith_tui.screens.question import QuestionScreen
from loresmith_tui.screens.room import Room
from loresmith_tui.shown import plain, signs
from loresmith_tui.widgets.bars import interval, span_of
from loresmith_tui.widgets.long_table import Head, LongTable
from loresmith_tui.widgets.promoting import ask_to_promote, ask_to_roll_back
from loresmith_tui.widgets.table import Cell, Table, styled

ORDERS = {
    "worst": lambda question: (question.score, -question.gap),
    "lost": lambda question: (-question.gap, question.score),
    "apart": lambda question: (-question.spread, question.score),
    "as asked": lambda question: (question.number,),
}
"""Orders of the questions: by the shipped rung's score, by what another rung does better, by how far rungs differ."""
ALL = "all"


@dataclass(frozen=True, slots=True)
class Measured:
    """A run with its ladder."""

    run: Run
    report: dict[str, Any]
    rows: dict[str, list[dict[str, Any]]]


class LadderScreen(Room):
    """The ladder of one run."""

    ROOM = "ladder"
    wanted: ClassVar[str | None] = None
    """The run that another room wants to see."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "w", "order", "Order", tooltip="Order the questions: worst, lost to another rung, furthest apart, as asked"
        ),
        Binding("s", "stratum", "Stratum", tooltip="All questions, those the documents answer, or those they do not"),
        Binding("m", "metric", "Metric", tooltip="Show another metric"),
        Binding("j", "jump", "Worst", tooltip="Jump to the question on which the shipped rung did worst"),
        Binding("r", "other_run", "Run", tooltip="Show an older run; after the oldest, the latest again"),
        Binding("p", "promote", "Promote", tooltip="Make the chosen rung the project's assistant"),
        Binding("u", "roll_back", "Roll back", tooltip="Make what was promoted before the project's assistant again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._shown: Measured | None = None
        self._metric, self._order, self._stratum = "", "worst", ALL
        self._questions: list[Question] = []

    def furnish(self) -> ComposeResult:
        """Yield rungs, verdict and questions."""
        yield Static("Reading the latest ladder…", id="empty", classes="empty", markup=False)
        yield Static("", id="head", classes="title", markup=False)
        yield Table((), id="rungs")
        yield Static("", id="verdict", classes="text", markup=False)
        yield Static("", id="order", classes="title", markup=False)
        yield LongTable((), id="questions")

    def on_mount(self) -> None:
        """Show no empty tables until the ladder is read."""
        self.query("#head, #rungs, #verdict, #order, #questions").set(display=False)

    def read(self) -> None:
        """Read the ladder that is wanted, or the latest."""
        self.beside(self._find, self._found)

    def _find(self) -> Measured | None:
        if self.session.project is None:
            return None
        wanted = self.wanted or (self._shown.run.id if self._shown else None)
        run = self.session.run(wanted) if wanted else self.session.latest(measured=True)
        if run is None or not run.read_report():
            return None
        report = run.read_report()
        return Measured(run, report, {rung: run.answers(rung) for rung in report["rungs"]})

    def _found(self, measured: Measured | None) -> None:
        self._shown, LadderScreen.wanted = measured, None
        for widget in self.query("#head, #rungs, #verdict, #order, #questions"):
            widget.display = measured is not None
        empty = self.query_one("#empty", Static)
        empty.display = measured is None
        empty.update(
            "Nothing is measured yet. Press 5 and then b to build: every rung is then asked the same questions."
        )
        if measured:
            metrics = self._metrics(measured.report)
            self._metric = self._metric if self._metric in metrics else measured.report["evaluation"]["metric"]
            self._draw(measured)
            self.query_one("#questions", LongTable).focus()

    @staticmethod
    def _metrics(report: dict[str, Any]) -> list[str]:
        return list(dict.fromkeys(name for rung in report["rungs"].values() for name in rung["metrics"]))

    def _draw(self, measured: Measured) -> None:
        self._draw_rungs(measured)
        self._draw_questions(measured)

    def _draw_rungs(self, measured: Measured) -> None:
        report, verdict = measured.report, measured.report["verdict"]
        rungs = report["rungs"] if self._stratum == ALL else report["strata"].get(self._stratum, {})
        decides = ", decides" if self._metric == report["evaluation"]["metric"] else ""
        self.query_one("#head", Static).update(
            f"{measured.run.id}   {self._metric}{decides}   questions: {self._stratum}"
        )
        self.query_one("#rungs", Table).fill(self._rungs(rungs, verdict["ship"]), self._heads())
        why = verdict["why"]
        does = "ship" if verdict["decided"] else "undecided, keep"
        self.query_one("#verdict", Static).update(
            plain(f"Verdict: {does} {verdict['ship']}. {why[:1].upper()}{why[1:]}.")
        )

    def _heads(self) -> list[str]:
        return ["", "rung", "n", "mean", "95 % interval", self._metric, "tokens out", "seconds"]

    def _rungs(self, rungs: dict[str, Any], ship: str) -> list[tuple[str, Sequence[Cell]]]:
        found = {rung: each["metrics"].get(self._metric) for rung, each in rungs.items()}
        span, width = span_of(each for each in found.values() if each), max(16, min(60, self.size.width - 66))
        rows: list[tuple[str, Sequence[Cell]]] = []
        for rung, each in rungs.items():
            figures = found[rung]
            here, colour = rung == ship, self.colour("success" if rung == ship else "primary")
            bar = (
                Text(interval(figures["mean"], figures["low"], figures["high"], width, span), colour)
                if figures
                else "-"
            )
            mean = f"{figures['mean']:.3f}" if figures else "-"
            limits = f"[{figures['low']:.3f}, {figures['high']:.3f}]" if figures else ""
            cost = (f"{each['tokens_out']:.0f}", f"{each['seconds']:.2f}")
            mark = signs().here if here else " "
            rows.append((rung, [mark, styled(rung, colour), str(each["n"]), mean, limits, bar, *cost]))
        return rows

    def _draw_questions(self, measured: Measured) -> None:
        table = self.query_one("#questions", LongTable)
        chosen = self._questions[table.cursor].number if 0 <= table.cursor < len(self._questions) else None
        every = side_by_side(measured.rows, self._metric, measured.report["verdict"]["ship"])
        inside = [question for question in every if self._stratum in (ALL, question.stratum)]
        self._questions = sorted(inside, key=ORDERS[self._order])
        rungs = list(measured.report["rungs"])
        title = (
            f"{len(self._questions)} questions, {self._order} first"
            if self._order != "as asked"
            else "questions as asked"
        )
        self.query_one("#order", Static).update(title)
        columns = [Head(rung, max(len(rung), 5)) for rung in rungs]
        table.fill(
            len(self._questions),
            lambda place: self._cells(self._questions[place], rungs),
            next((place for place, question in enumerate(self._questions) if question.number == chosen), 0),
            [Head("#", 5), Head("question", 0), *columns],
        )

    def _cells(self, question: Question, rungs: list[str]) -> list[Cell]:
        scores = {reply.rung: reply.score for reply in question.replies}
        return [str(question.number), question.question, *(self._score(scores.get(rung)) for rung in rungs)]

    def _score(self, score: float | None) -> Text:
        if score is None:
            return Text("-", "dim")
        colour = "success" if score >= 0.5 else "warning" if score >= 0.2 else "error"
        return Text(f"{score:.2f}", self.colour(colour))

    def _drawn(self, attribute: str, values: list[str]) -> None:
        """Go on to the next of several values, and draw."""
        if self._shown:
            now = getattr(self, attribute)
            setattr(self, attribute, values[(values.index(now) + 1) % len(values)])
            self._draw(self._shown)

    def action_order(self) -> None:
        """Order the questions otherwise."""
        self._drawn("_order", list(ORDERS))

    def action_stratum(self) -> None:
        """Show the questions of another stratum."""
        if self._shown:
            self._drawn("_stratum", [ALL, *self._shown.report.get("strata", {})])

    def action_metric(self) -> None:
        """Show another metric."""
        if self._shown:
            self._drawn("_metric", self._metrics(self._shown.report))

    def action_jump(self) -> None:
        """Open the worst question."""
        if self._shown and self._questions:
            worst = min(self._questions, key=ORDERS["worst"])
            self._open(next(i for i, question in enumerate(self._questions) if question is worst))

    def on_long_table_selected(self) -> None:
        """Open the chosen question."""
        self._open(self.query_one("#questions", LongTable).cursor)

    def _open(self, place: int) -> None:
        self.app.push_screen(QuestionScreen(self._questions, place, self._metric))

    def action_other_run(self) -> None:
        """Show the next older run that has a ladder."""

        def older() -> str | None:
            rows = [row["run"] for row in self.session.runs() if row["ship"]]
            now = self._shown.run.id if self._shown else ""
            return rows[(rows.index(now) + 1) % len(rows)] if now in rows else None

        self.beside(older, self._show_run, group="other")

    def _show_run(self, run_id: str | None) -> None:
        LadderScreen.wanted = run_id
        self.read()

    def action_promote(self) -> None:
        """Promote the rung that is chosen in the table of rungs, or the verdict's."""
        if self._shown:
            table = self.query_one("#rungs", Table)
            rung = (table.chosen if table.has_focus else None) or self._shown.report["verdict"]["ship"]
            ask_to_promote(self, self._shown.run.id, rung, self._promoted)

    def _promoted(self, artefact: Artefact) -> None:
        self.say(f"promoted {artefact.rung} of {artefact.run} as version {artefact.version}")

    def action_roll_back(self) -> None:
        """Go back to what was promoted before."""
        if self.session.project:
            ask_to_roll_back(self, self._rolled_back)

    def _rolled_back(self, artefact: Artefact) -> None:
        self.say(f"back to {artefact.rung} of {artefact.run}, version {artefact.version}")

    def on_resize(self) -> None:
        """Draw the bars for the width there is."""
        if self._shown:
            self._draw_rungs(self._shown)
