"""The room of data: what the sources give, what is wrong with it, the split, and every example with its side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from loresmith.data.checking import DataFound
from loresmith.data.split import FrozenSplit
from loresmith.errors import Problem, ProblemsError
from loresmith_tui.inspecting import Excerpt, Inspection, place_of, split_lines, where
from loresmith_tui.screens.dialogs import Confirm, Line
from loresmith_tui.screens.preview import Wanted
from loresmith_tui.screens.reading import Reading
from loresmith_tui.screens.room import Room, error_text
from loresmith_tui.shown import one_line, plain, signs
from loresmith_tui.widgets.example_list import ExampleList
from loresmith_tui.widgets.long_table import LongTable
from loresmith_tui.widgets.previewing import show_preview
from loresmith_tui.widgets.table import Table, styled

FROZEN = (
    "Freeze a new split?\nWhat was measured on the old one can then no longer be compared with what will be measured."
)


class DataScreen(Room):
    """Sources, problems, split and examples."""

    ROOM = "data"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "preview", "Preview", tooltip="Show examples as a stage reads them: trained, read, cut"),
        Binding("f", "side", "Side", tooltip="Show the examples of one side of the split, or all"),
        Binding("slash", "find", "Find", key_display="/", tooltip="Show the examples in which some words stand"),
        Binding("p", "problems", "Problems", tooltip="Go to the problems; Enter shows the row in its file"),
        Binding("s", "freeze", "Split", tooltip="Freeze the split; what is frozen stays so, and new examples join it"),
        Binding("S", "resplit", "Split anew", show=False, tooltip="Forget the frozen split and freeze a new one"),
        Binding("enter", "open", "Open", show=False, tooltip="Show the example, or the problem, in its file"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._inspection: Inspection | None = None
        self._found: DataFound | None = None
        self._problems: Sequence[Problem] = ()

    def furnish(self) -> ComposeResult:
        """Yield state, sources, problems, split and examples."""
        yield Static("", id="status", classes="status", markup=False)
        yield Static("", id="empty", classes="empty", markup=False)
        yield Table(("gives", "kind", "where", "count", "problems"), id="sources")
        yield Table(("where", "problem"), id="problems")
        yield Static("", id="split", classes="text", markup=False)
        yield ExampleList()

    def on_mount(self) -> None:
        """Start with nothing that is empty."""
        for widget in self.query("#problems, #empty, #split"):
            widget.display = False
        self.query_one("#sources").can_focus = False
        self.query_one("#examples").focus()

    @property
    def examples(self) -> ExampleList:
        """The examples."""
        return self.query_one(ExampleList)

    @property
    def inspection(self) -> Inspection:
        """What reads the data."""
        if self._inspection is None:
            self._inspection = Inspection(self.session)
        return self._inspection

    def read(self) -> None:
        """Read what changed."""
        self._read(anew=False)

    def action_read(self) -> None:
        """Read everything anew."""
        self._read(anew=True)

    def _read(self, *, anew: bool) -> None:
        if self.session.project is None:
            self._say_empty("No project here. Press 1, then n to start one from a recipe.")
            return
        self._status("reading")
        self.beside(lambda: self.inspection.look(anew=anew), self._show, self._failed)

    def _failed(self, error: Exception) -> None:
        self._found = None
        self._say_empty(error_text(error) if not isinstance(error, ProblemsError) else error.message)
        self._show_problems(error.problems if isinstance(error, ProblemsError) else ())

    def _say_empty(self, text: str) -> None:
        empty = self.query_one("#empty", Static)
        empty.update(plain(text))
        for widget in self.query("#sources, #split, ExampleList"):
            widget.display = False
        empty.display = True
        self._status("")

    def _status(self, text: str) -> None:
        self.query_one("#status", Static).update(one_line(text))

    # ------------------------------------------------------------------------------------------------ what is shown

    def _show(self, found: DataFound) -> None:
        self._found = found
        self.query_one("#empty").display = False
        for widget in self.query("#sources, ExampleList"):
            widget.display = True
        self.query_one("#sources", Table).fill(
            (str(number), [s.gives, s.kind, s.path or "-", str(s.count), self._bad(s.problems)])
            for number, s in enumerate(found.sources)
        )
        self._show_problems(found.problems)
        self._show_split(found)
        self.examples.show(found)
        self._say_counts()

    def _bad(self, problems: int) -> Text:
        return styled(f"{signs().bad} {problems}", self.colour("error")) if problems else Text(f"{signs().good} none")

    def _show_problems(self, problems: Sequence[Problem]) -> None:
        self._problems = problems
        table = self.query_one("#problems", Table)
        table.display = bool(problems)
        table.fill((str(number), [where(problem), problem.what]) for number, problem in enumerate(problems))

    def _show_split(self, found: DataFound) -> None:
        box = self.query_one("#split", Static)
        box.display = bool(found.split or found.refused)
        if found.refused:
            box.update(plain(f"{signs().bad} {found.refused}"))
        elif found.split:
            box.update(plain("\n".join(split_lines(found.split, frozen=found.frozen))))

    def _say_counts(self) -> None:
        if self._found:
            wrong = f"{signs().bad} {len(self._problems)} problems: p goes there   " if self._problems else ""
            self._status(f"{wrong}{self.examples.counted}")

    @on(Table.RowHighlighted, "#problems")
    def _show_problem(self) -> None:
        """Show the whole of what a problem's row has the beginning of, and what to do about it."""
        chosen = self.query_one("#problems", Table).chosen
        if chosen is not None and self.query_one("#problems").has_focus:
            self.examples.tell(str(self._problems[int(chosen)]))

    # ------------------------------------------------------------------------------------------------- what is done

    def action_side(self) -> None:
        """Show the next side."""
        self.examples.turn_side()
        self._say_counts()

    def action_find(self) -> None:
        """Ask for words."""
        self.app.push_screen(Line("Words of the examples to show; empty for all", self.examples.words), self._find)

    def _find(self, words: str | None) -> None:
        self.examples.words = words or ""
        self._say_counts()

    def action_problems(self) -> None:
        """Go to the problems."""
        if self._problems:
            self.query_one("#problems").focus()
            self.call_after_refresh(self._show_problem)
        else:
            self.say("There are no problems: every row was read.")

    @on(LongTable.Selected)
    def action_open(self) -> None:
        """Show the row of the chosen example in its file, or that of the problem one is at."""
        example = self.examples.chosen
        if self.query_one("#problems").has_focus:
            self._open_problem()
        elif example:
            self._open(*place_of(example))

    @on(Table.RowSelected)
    def _open_problem(self) -> None:
        chosen = self.query_one("#problems", Table).chosen
        problem = self._problems[int(chosen)] if chosen is not None else None
        if problem and problem.file:
            self._open(problem.file, problem.line)
        elif problem:
            self.say(str(problem))

    def _open(self, file: str, line: int) -> None:
        self.beside(lambda: self.inspection.excerpt(file, line), self._show_excerpt, group="open")

    def _show_excerpt(self, found: Excerpt) -> None:
        self.app.push_screen(Reading(found.title, found.text, found.start, found.end))

    def action_freeze(self) -> None:
        """Freeze the split."""
        self._freeze(resplit=False)

    def action_resplit(self) -> None:
        """Freeze another split, after a question."""
        self.app.push_screen(Confirm(FROZEN, "Freeze anew"), lambda yes: self._freeze(resplit=True) if yes else None)

    def _freeze(self, *, resplit: bool) -> None:
        if self.session.project:
            self.beside(lambda: self.inspection.freeze(resplit=resplit), self._frozen, group="freeze")

    def _frozen(self, split: FrozenSplit) -> None:
        self.say(f"frozen: {len(split.train)} train, {len(split.dev)} dev, {len(split.test)} test")
        self.action_read()

    # --------------------------------------------------------------------------------------------------- the preview

    def action_preview(self) -> None:
        """Show the chosen example as a stage reads it, and those after it."""
        found, example = self._found, self.examples.chosen
        if found is None or found.split is None:
            self.say("There is no split yet that could be shown: look at the problems first.")
        elif not found.frozen:
            self.say("The split is not frozen yet, so what is trained is open: s freezes it.")
        else:
            ids = [each.id for each in found.split.train]
            first = ids.index(example.id) if example and example.id in ids else 0
            show_preview(self, self.inspection, Wanted(0, first), self._say)

    def _say(self, text: str) -> None:
        if text:
            self._status(text)
        else:
            self._say_counts()
