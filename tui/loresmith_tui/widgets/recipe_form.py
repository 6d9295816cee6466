"""The recipe as a form: a row for every key, folded under the component it is of, drawn line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from loresmith.errors import Problem
from loresmith.recipe.form import Row
from loresmith.recipe.positions import KeyPath
from loresmith_tui.form_values import brief
from loresmith_tui.shown import one_line, signs

NAMES = 30
"""Columns of the names, where the form is wide enough."""


class RecipeForm(ScrollView, can_focus=True):
    """Shows the rows of a recipe's form; one of them has the cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "form--name", "form--part", "form--given", "form--default", "form--bad", "form--cursor", "form--cursor-blurred",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "move(-10000)", "First", show=False),
        Binding("end", "move(10000)", "Last", show=False),
        Binding("left", "fold(False)", "Fold", show=False),
        Binding("right", "fold(True)", "Unfold", show=False),
    ]

    class Highlighted(Message):
        """The cursor is at another row."""

    class Chosen(Message):
        """A row was clicked that had the cursor already: it is to be changed."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._lines: list[int] = []
        self._problems: Mapping[int, list[Problem]] = {}
        self._opened: dict[KeyPath, bool] = {}
        self._cursor = 0
        self._expected: KeyPath = ()

    # ------------------------------------------------------------------------------------------------- what is shown

    def fill(self, rows: Sequence[Row], problems: Sequence[Problem]) -> None:
        """Show other rows, and what is wrong with them; the cursor stays at its key path, or near."""
        path, self._expected = self._expected or (self.row.path if self.row else ()), ()
        self._rows = rows
        places = {row.where: n for n, row in enumerate(rows)}
        found: dict[int, list[Problem]] = {}
        for problem in problems:
            found.setdefault(_nearest(places, problem.key), []).append(problem)
        self._problems = found
        self._lay_out()
        if path:
            self.go(path)

    @property
    def row(self) -> Row | None:
        """The row at the cursor."""
        return self._rows[self._lines[self._cursor]] if self._cursor < len(self._lines) else None

    @property
    def list_row(self) -> Row | None:
        """The list that the cursor is in, or at."""
        return self._around(("list", "bases"))

    @property
    def item(self) -> Row | None:
        """The item of a list that the cursor is in, or at."""
        row = self.row
        above = [each for each in self._above() if each.item]
        return row if row is None or row.item else above[0] if above else None

    def problems(self) -> list[Problem]:
        """Return what is wrong with the row at the cursor, or below it where that is folded."""
        return self._problems_of(self._cursor) if self.row else []

    def go(self, path: KeyPath) -> None:
        """Bring the cursor to a key path; to what is around it if there is no such row. What hides it unfolds."""
        paths = {row.path: n for n, row in enumerate(self._rows)}
        while path and path not in paths:
            path = path[:-1]
        if not path:
            return
        for depth in range(1, len(path)):
            if path[:depth] in paths:
                self._opened[path[:depth]] = True
        self._lay_out()
        self._set_cursor(self._lines.index(paths[path]))

    def expect(self, path: KeyPath) -> None:
        """Bring the cursor to a key path when the form is filled next."""
        self._expected = path

    def unfold(self, path: KeyPath) -> None:
        """Show what is below a row, as soon as there is such a row."""
        self._opened[path] = True

    def place(self) -> tuple[Offset, int]:
        """Return where the value of the row at the cursor stands, within this widget, and how wide it may be."""
        x = self._name_width
        return Offset(x, self._cursor - round(self.scroll_y)), max(8, self.scrollable_content_region.width - x)

    def _above(self) -> Iterator[Row]:
        """Yield the rows that the row at the cursor belongs to, the innermost first."""
        if self.row is None:
            return
        depth = self.row.depth
        for number in range(self._lines[self._cursor] - 1, -1, -1):
            if self._rows[number].depth < depth:
                depth = self._rows[number].depth
                yield self._rows[number]

    def _around(self, shapes: tuple[str, ...]) -> Row | None:
        row = self.row
        if row is None or row.shape in shapes:
            return row
        return next((each for each in self._above() if each.shape in shapes), None)

    # -------------------------------------------------------------------------------------------------------- folding

    def _lay_out(self) -> None:
        """Find out which rows are to be seen."""
        self._lines, hidden = [], 1000
        for number, row in enumerate(self._rows):
            if row.depth > hidden:
                continue
            hidden = 1000
            self._lines.append(number)
            if self._has_children(number) and not self._is_open(row):
                hidden = row.depth
        self._cursor = min(self._cursor, max(0, len(self._lines) - 1))
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._lines))
        self.refresh()

    def _has_children(self, number: int) -> bool:
        return number + 1 < len(self._rows) and self._rows[number + 1].depth > self._rows[number].depth

    def _is_open(self, row: Row) -> bool:
        first = row.shape in ("list", "bases") or (row.shape == "group" and row.depth == 0)
        return self._opened.get(row.path, first)

    def action_fold(self, opened: bool) -> None:
        """Show or hide what is below a row; where there is nothing to hide, go to the row around it."""
        row = self.row
        if row is None:
            return
        if self._has_children(self._lines[self._cursor]) and self._is_open(row) != opened:
            self._opened[row.path] = opened
            self._lay_out()
        elif not opened:
            self.go(next((each.path for each in self._above()), row.path))

    def switch_fold(self) -> None:
        """Unfold a row, or fold it."""
        if self.row:
            self.action_fold(not self._is_open(self.row))

    # ---------------------------------------------------------------------------------------------------- the cursor

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._set_cursor(self._cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by what is to be seen."""
        self._set_cursor(self._cursor + by * max(1, self.size.height - 1))

    def _set_cursor(self, line: int) -> None:
        self._cursor = max(0, min(line, len(self._lines) - 1))
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True, x_axis=False)
        self.refresh()
        self.post_message(self.Highlighted())

    def on_click(self, event: events.Click) -> None:
        """Bring the cursor to what is clicked; fold at the sign, and change what had the cursor already."""
        line = event.y + round(self.scroll_y)
        if line >= len(self._lines):
            return
        before, row = self._cursor, self._rows[self._lines[line]]
        self._set_cursor(line)
        if event.x <= 2 * row.depth + 2:
            self.switch_fold()
        elif line == before:
            self.post_message(self.Chosen())

    def on_resize(self) -> None:
        """Take the new width."""
        self._lay_out()

    def on_focus(self) -> None:
        """Draw the cursor as such."""
        self.refresh()

    def on_blur(self) -> None:
        """Draw the cursor dimly."""
        self.refresh()

    # --------------------------------------------------------------------------------------------------------- drawing

    @property
    def _name_width(self) -> int:
        return min(NAMES, max(14, self.size.width * 2 // 5))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        line, width = y + round(self.scroll_y), self.scrollable_content_region.width
        base = self.rich_style
        if not 0 <= line < len(self._lines):
            return Strip.blank(self.size.width, base)
        number = self._lines[line]
        row, bad = self._rows[number], bool(self._problems_of(line))
        style = base + self._look("form--part" if row.shape in ("part", "list", "group", "bases") else "form--name")
        mark = signs().bad if bad else " "
        sign = (signs().open if self._is_open(row) else signs().here) if self._has_children(number) else " "
        head = _fitted(f"{mark}{'  ' * row.depth}{sign} {one_line(row.name)}", self._name_width - 1) + " "
        value = _fitted(one_line(self._value(number)), width - self._name_width)
        told = base + self._look("form--given" if row.given else "form--default")
        bad_style = self._look("form--bad") if bad else Style()
        strip = Strip([Segment(head, style + bad_style), Segment(value, told + bad_style)])
        strip = strip.adjust_cell_length(self.size.width, base)
        if line != self._cursor:
            return strip
        cursor = self._look("form--cursor" if self.has_focus else "form--cursor-blurred")
        return strip.apply_style(Style(bgcolor=cursor.bgcolor, bold=True))

    def _value(self, number: int) -> str:
        """Return what a row says; one that is folded says what is written below it."""
        row = self._rows[number]
        folded = self._has_children(number) and not self._is_open(row)
        told = brief(row)
        if not folded or row.shape not in ("part", "group"):
            return told
        below = (each for each in self._below(number) if each.depth == row.depth + 1 and each.given)
        settings = ", ".join(f"{each.name} {brief(each)}" for each in below)
        return f" {signs().dot} ".join(filter(None, [told, settings]))

    def _below(self, number: int) -> Iterator[Row]:
        for row in self._rows[number + 1 :]:
            if row.depth <= self._rows[number].depth:
                return
            yield row

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    def _problems_of(self, line: int) -> list[Problem]:
        """Return what is wrong with the row of a line, and with the rows hidden below it."""
        number = self._lines[line]
        after = self._lines[line + 1] if line + 1 < len(self._lines) else len(self._rows)
        return [problem for each in range(number, after) for problem in self._problems.get(each, ())]


def _nearest(places: Mapping[str, int], key: str) -> int:
    """Return the row of a key path, or of the nearest around it; -1 if there is none."""
    while key and key not in places:
        cut = max(key.rfind("."), key.rfind("["))
        key = key[:cut] if cut > 0 else ""
    return places.get(key, -1)


def _fitted(text: str, width: int) -> str:
    """Return a text in so many columns; where it is cut off stands a sign."""
    if width < 1 or cell_len(text) <= width:
        return set_cell_size(text, max(0, width))
    return set_cell_size(text, width - 1) + signs().more
