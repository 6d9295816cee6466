"""The recipe as a form: a row for every key, folded under the component it is of, drawn line by line."""

from __future__ import annotations

from collections.abc import Sequence
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
from loresmith_tui.outline import Outline
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
        self.outline = Outline()

    def fill(self, rows: Sequence[Row], problems: Sequence[Problem]) -> None:
        """Show other rows, and what is wrong with them; the cursor stays at its key path, or near."""
        stays = self.outline.fill(rows, problems)
        self._lay_out()
        if stays:
            self._show_cursor()

    @property
    def row(self) -> Row | None:
        """The row at the cursor."""
        return self.outline.row

    def go(self, path: KeyPath) -> None:
        """Bring the cursor to a key path; to what is around it if there is no such row. What hides it unfolds."""
        if self.outline.go(path):
            self._lay_out()
            self._show_cursor()

    def place(self) -> tuple[Offset, int]:
        """Return where the value of the row at the cursor stands, within this widget, and how wide it may be."""
        x = self._name_width
        return Offset(x, self.outline.cursor - round(self.scroll_y)), max(8, self.scrollable_content_region.width - x)

    def _lay_out(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.outline.lines))
        self.refresh()

    def action_fold(self, opened: bool) -> None:
        """Show or hide what is below a row; where there is nothing to hide, go to the row around it."""
        before = self.outline.row
        self.outline.fold(opened)
        self._lay_out()
        if self.outline.row is not before:
            self._show_cursor()

    def switch_fold(self) -> None:
        """Unfold a row, or fold it."""
        if self.row:
            self.action_fold(not self.outline.is_open(self.row))

    # ---------------------------------------------------------------------------------------------------- the cursor

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._move(self.outline.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by what is to be seen."""
        self._move(self.outline.cursor + by * max(1, self.size.height - 1))

    def _move(self, line: int) -> None:
        self.outline.move(line)
        self._show_cursor()

    def _show_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.outline.cursor, 1, 1), animate=False, force=True, x_axis=False)
        self.refresh()
        self.post_message(self.Highlighted())

    def on_click(self, event: events.Click) -> None:
        """Bring the cursor to what is clicked; fold at the sign, and change what had the cursor already."""
        line, before = event.y + round(self.scroll_y), self.outline.cursor
        if line >= len(self.outline.lines):
            return
        self._move(line)
        if self.row and event.x <= 2 * self.row.depth + 2:
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
        outline, line, width = self.outline, y + round(self.scroll_y), self.scrollable_content_region.width
        base = self.rich_style
        if not 0 <= line < len(outline.lines):
            return Strip.blank(self.size.width, base)
        number = outline.lines[line]
        row, bad = outline.rows[number], bool(outline.problems_of(line))
        style = base + self._look("form--part" if row.shape in ("part", "list", "group", "bases") else "form--name")
        mark = signs().bad if bad else " "
        sign = (signs().open if outline.is_open(row) else signs().here) if outline.has_children(number) else " "
        head = _fitted(f"{mark}{'  ' * row.depth}{sign} {one_line(row.name)}", self._name_width - 1) + " "
        value = _fitted(one_line(self._value(number)), width - self._name_width)
        told = base + self._look("form--given" if row.given else "form--default")
        bad_style = self._look("form--bad") if bad else Style()
        strip = Strip([Segment(head, style + bad_style), Segment(value, told + bad_style)])
        strip = strip.adjust_cell_length(self.size.width, base)
        if line != outline.cursor:
            return strip
        cursor = self._look("form--cursor" if self.has_focus else "form--cursor-blurred")
        return strip.apply_style(Style(bgcolor=cursor.bgcolor, bold=True))

    def _value(self, number: int) -> str:
        """Return what a row says; one that is folded says what is written below it."""
        row = self.outline.rows[number]
        folded = self.outline.has_children(number) and not self.outline.is_open(row)
        told = brief(row)
        if not folded or row.shape not in ("part", "group"):
            return told
        below = (each for each in self.outline.below(number) if each.depth == row.depth + 1 and each.given)
        settings = ", ".join(f"{each.name} {brief(each)}" for each in below)
        return f" {signs().dot} ".join(filter(None, [told, settings]))

    def _look(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)


def _fitted(text: str, width: int) -> str:
    """Return a text in so many columns; where it is cut off stands a sign."""
    if width < 1 or cell_len(text) <= width:
        return set_cell_size(text, max(0, width))
    return set_cell_size(text, width - 1) + signs().more
