"""What was judged in chat: thumbs and corrections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from loresmith.labelling.rows import Thumb
from loresmith_tui.screens.reading import Reading
from loresmith_tui.shown import signs
from loresmith_tui.widgets.table import Table


class ThumbsScreen(ModalScreen[None]):
    """Lists judged answers; Enter shows one whole.

    Args:
        thumbs: The answers.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close")]

    def __init__(self, thumbs: Sequence[Thumb]) -> None:
        super().__init__()
        self._thumbs = list(thumbs)

    def compose(self) -> ComposeResult:
        """Put the table into a frame."""
        with Vertical(classes="dialog tall"):
            yield Label("Judged in chat   (Enter shows one whole, Escape closes)", markup=False)
            yield Table(("", "question", "answer", "what it should have been"))

    def on_mount(self) -> None:
        """Fill the table."""
        table = self.query_one(Table)
        table.fill(
            (str(n), [_sign(t), t.turn.question, t.turn.answer.answer, t.turn.correction])
            for n, t in enumerate(self._thumbs)
        )
        table.focus()

    def on_data_table_row_selected(self, event: Table.RowSelected) -> None:
        """Show one whole."""
        turn = self._thumbs[event.cursor_row].turn
        text = f"Q: {turn.question}\n\nA: {turn.answer.answer}"
        if turn.correction:
            text += f"\n\nIt should have been: {turn.correction}"
        self.app.push_screen(Reading(_sign(self._thumbs[event.cursor_row]), text))


def _sign(thumb: Thumb) -> str:
    drawn = signs()
    if thumb.turn.correction:
        return f"{drawn.bad} corrected"
    return f"{drawn.good} liked" if thumb.turn.liked else f"{drawn.bad} not liked"
