"""The examples of a project, each with its side of the split: all of them, or those of a side and with some words."""

from __future__ import annotations

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from loresmith.data.checking import DataFound
from loresmith.data.kept import SIDES
from loresmith.values import Example
from loresmith_tui.inspecting import holds
from loresmith_tui.shown import one_line, plain, signs
from loresmith_tui.widgets.long_table import Head, LongTable
from loresmith_tui.widgets.table import Cell, styled

ALL = "all"
FILTERS = (ALL, *SIDES)
HEADS = (Head("side", 7), Head("group", 6), Head("answer", 8), Head("question", 0), Head("where", 18))
COLOURS = {"train": "foreground", "dev": "primary", "test": "warning"}
NONE_SHOWN = "No example is shown: f takes another side, / other words."


class ExampleList(Vertical):
    """The examples, a line each, and the chosen one whole below them."""

    def __init__(self) -> None:
        super().__init__()
        self._found: DataFound | None = None
        self._shown: list[Example] = []
        self._side, self._words = ALL, ""

    def compose(self) -> ComposeResult:
        """Yield the lines, and the chosen example."""
        yield LongTable(HEADS, id="examples")
        yield Static("", id="chosen", classes="text", markup=False)

    def show(self, found: DataFound) -> None:
        """Show the examples that were found."""
        before, self._found = self._found, found
        if found is not before:
            self._fill()

    @property
    def words(self) -> str:
        """The words that stand in each of the examples shown; empty where that is no matter."""
        return self._words

    @words.setter
    def words(self, words: str) -> None:
        self._words = words
        self._fill()

    def turn_side(self) -> None:
        """Show the examples of the next side."""
        self._side = FILTERS[(FILTERS.index(self._side) + 1) % len(FILTERS)]
        self._fill()

    @property
    def chosen(self) -> Example | None:
        """The example at the cursor, or None."""
        place = self.query_one(LongTable).cursor
        return self._shown[place] if 0 <= place < len(self._shown) else None

    @property
    def counted(self) -> str:
        """How many are shown, of how many, and which."""
        which = [self._side] if self._side != ALL else []
        which += [f'"{self._words}"'] if self._words else []
        there = len(self._found.examples) if self._found else 0
        return f"{len(self._shown)} of {there} examples: {', '.join(which)}" if which else f"{there} examples"

    def tell(self, text: str) -> None:
        """Say something where the chosen example stands, until another one is chosen."""
        self.query_one("#chosen", Static).update(plain(text))

    @on(LongTable.Highlighted)
    def _tell_chosen(self) -> None:
        example = self.chosen
        if example is None:
            self.tell(NONE_SHOWN)
            return
        nothing = "nothing named" if example.answerable else "no document: it declines"
        rests = f"rests on {', '.join(example.grounding) or nothing}"
        self.tell(f"Q: {one_line(example.question)}\nA ({rests}): {one_line(example.reply)}")

    def _fill(self) -> None:
        examples, words = self._found.examples if self._found else (), self._words.casefold().split()
        self._shown = [e for e in examples if self._side in (ALL, self._side_of(e)) and holds(e, words)]
        self.query_one(LongTable).fill(len(self._shown), self._cells)
        self._tell_chosen()

    def _side_of(self, example: Example) -> str:
        entry = self._found.placed.get(example.id) if self._found else None
        return entry.side if entry else "new"

    def _cells(self, place: int) -> list[Cell]:
        example, found = self._shown[place], self._found
        entry = found.placed.get(example.id) if found else None
        doubtful = "" if found and found.frozen else "?"
        return [
            self._marked(self._side_of(example), doubtful),
            entry.group[:6] if entry else "-",
            "yes" if example.answerable else "decline",
            example.question,
            example.place.rpartition("/")[2],
        ]

    def _marked(self, side: str, doubtful: str) -> Text:
        mark = {"test": signs().here, "dev": signs().dot}.get(side, " ")
        return styled(f"{mark}{side}{doubtful}", self.app.theme_variables[COLOURS.get(side, "error")])
