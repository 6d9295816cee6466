"""A table whose cells are text and nothing else, and which says what to do when it is empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from loresmith_tui.shown import one_line

Cell = str | Text


class Table(DataTable[Text]):
    """Rows under their heads, one of which is chosen.

    Args:
        heads: The heads.
        id: Id of the widget.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]

    def __init__(self, heads: Sequence[str], id: str | None = None) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(cursor_type="row", zebra_stripes=False, id=id)
        self._heads = list(heads)
        self.keys: list[str] = []

    def fill(self, rows: Iterable[tuple[str, Sequence[Cell]]], heads: Sequence[str] | None = None) -> None:
        """Show other rows, each with its key; what was chosen stays so if it is still there.

        Args:
            rows: Key and cells of each.
            heads: Other heads, if they change.
        """
        before, filled = self.chosen, [(key, [styled(cell) for cell in cells]) for key, cells in rows]
        self.keys = [key for key, _ in filled]
        self._heads = list(heads or self._heads)
        self.clear(columns=True)
        # The library measures columns when it is idle; a screen that is painted before would keep them too narrow.
        for place, head in enumerate(self._heads):
            width = max(cell_len(head), *(cells[place].cell_len for _, cells in filled), 1)
            self.add_column(Text(head, "dim"), width=width)
        for _, cells in filled:
            self.add_row(*cells)
        if before in self.keys:
            self.move_cursor(row=self.keys.index(before))

    @property
    def chosen(self) -> str | None:
        """The key of the row at the cursor, or None."""
        return self.keys[self.cursor_row] if 0 <= self.cursor_row < len(self.keys) else None


def styled(text: Any, style: str = "") -> Text:
    """Return a cell in a style; one that has its own keeps it."""
    return text if isinstance(text, Text) else Text(one_line(str(text)), style)
