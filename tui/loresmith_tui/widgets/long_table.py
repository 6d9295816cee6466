"""A table of any length: a row is made when it is drawn, so that five thousand open as fast as fifty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from loresmith_tui.shown import one_line, signs
from loresmith_tui.widgets.table import Cell

GAP = 2
"""Columns between two cells."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column, and how wide it is; 0 takes what the others leave."""

    name: str
    width: int


class LongTable(ScrollView, can_focus=True):
    """Rows under their heads, one of which is chosen.

    Args:
        heads: The heads.
        id: Id of the widget.
    """

    DEFAULT_CSS = """
    LongTable { height: 1fr; overflow-x: hidden; scrollbar-size: 1 1; scrollbar-background: $background; }
    LongTable > .long-table--head { color: $text-muted; background: $background; }
    LongTable > .long-table--cursor { background: $panel; color: $foreground; }
    LongTable:focus > .long-table--cursor { background: $primary 35%; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"long-table--head", "long-table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "to(0)", show=False),
        Binding("end", "to(-1)", show=False),
        Binding("enter", "select", show=False),
    ]

    class Highlighted(Message):
        """Another row is chosen."""

    class Selected(Message):
        """The chosen row is wanted: Enter, or a second click."""

    def __init__(self, heads: Sequence[Head], id: str | None = None) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id)
        self._heads = list(heads)
        self._count = 0
        self._cells: Callable[[int], Sequence[Cell]] = lambda _: ()
        self.cursor = 0
        """Place of the chosen row."""

    def fill(
        self,
        count: int,
        cells: Callable[[int], Sequence[Cell]],
        cursor: int = 0,
        heads: Sequence[Head] | None = None,
    ) -> None:
        """Show other rows.

        Args:
            count: How many there are.
            cells: Gives the cells of the row at a place.
            cursor: The row that is chosen.
            heads: Other heads, if they change.
        """
        self._count, self._cells, self._heads = count, cells, list(heads or self._heads)
        self.virtual_size = Size(1, count + 1)
        self.cursor = -1
        self._go(cursor)
        self.refresh()

    @property
    def _width(self) -> int:
        """Columns beside the scroll bar."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        """Draw a line: the heads first, then the rows there is room for."""
        place, base = self.scroll_offset.y + y - 1, self.rich_style
        if y == 0:
            head = self._line([head.name for head in self._heads])
            return self._strip(head, base + self.get_component_rich_style("long-table--head"))
        if not 0 <= place < self._count:
            return Strip.blank(self._width, base)
        style = self.get_component_rich_style("long-table--cursor") if place == self.cursor else base
        return self._strip(self._line(self._cells(place)), base + style)

    def _strip(self, line: Text, style: Style) -> Strip:
        return Strip(line.render(self.app.console)).apply_style(style).crop_extend(0, self._width, style)

    def _line(self, cells: Sequence[Cell]) -> Text:
        fixed = sum(head.width for head in self._heads) + GAP * (len(self._heads) - 1) + 2
        rest = max(8, self._width - fixed)
        line = Text(" ", end="")
        for number, (head, cell) in enumerate(zip(self._heads, cells, strict=True)):
            text = cell.copy() if isinstance(cell, Text) else Text(one_line(cell))
            line.append(" " * GAP if number else "").append_text(_fitted(text, head.width or rest))
        return line

    def on_click(self, event: Click) -> None:
        """Choose the row, or want the one that is chosen."""
        place = self.scroll_offset.y + event.y - 1
        if event.y == 0 or not 0 <= place < self._count:
            return
        if place == self.cursor:
            self.post_message(self.Selected())
        self._go(place)

    def action_move(self, by: int) -> None:
        """Choose another row."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Choose a row a page further."""
        self._go(self.cursor + by * max(1, self.size.height - 2))

    def action_to(self, place: int) -> None:
        """Choose the first row, or the last."""
        self._go(place if place >= 0 else self._count - 1)

    def action_select(self) -> None:
        """Want the chosen row."""
        if self._count:
            self.post_message(self.Selected())

    def _go(self, place: int) -> None:
        place = max(0, min(self._count - 1, place))
        if place == self.cursor or not self._count:
            return
        self.cursor = place
        top, height = self.scroll_offset.y, max(1, self.size.height - 1)
        if place < top:
            self.scroll_to(y=place, animate=False)
        elif place >= top + height:
            self.scroll_to(y=place - height + 1, animate=False)
        self.refresh()
        self.post_message(self.Highlighted())


def _fitted(text: Text, width: int) -> Text:
    """Return a text that is cut or padded to so many columns, with a sign that every terminal can draw."""
    if text.cell_len <= width:
        text.truncate(width, pad=True)
        return text
    text.truncate(width - 1, overflow="crop", pad=True)
    return text.append(signs().more)
