"""A text to read, a quote of it marked: a document at a citation or a hit."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, TextArea
from textual.widgets.text_area import Selection

from loresmith_tui.shown import one_line, same_length


class Reading(ModalScreen[None]):
    """Shows a text from its beginning, or at a span of it.

    Args:
        title: What it is.
        text: The text.
        start: Where the span begins, in characters.
        end: Where it ends; no span is marked if that is not after `start`.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close")]

    def __init__(self, title: str, text: str, start: int = 0, end: int = 0) -> None:
        super().__init__()
        self._title, self._text, self._span = title, same_length(text), (start, end)

    def compose(self) -> ComposeResult:
        """Put the text into a frame."""
        with Vertical(classes="dialog tall"):
            yield Label(one_line(f"{self._title}   (Escape closes)"), markup=False)
            yield TextArea(self._text, read_only=True, soft_wrap=True)

    def on_mount(self) -> None:
        """Mark the span."""
        self.call_after_refresh(self._mark)

    def _mark(self) -> None:
        start, end = self._span
        area = self.query_one(TextArea)
        if end > start:
            begin, after = (area.document.get_location_from_index(min(at, len(self._text))) for at in (start, end))  # type: ignore[attr-defined]
            area.selection = Selection(after, begin)
            area.scroll_cursor_visible(center=True)
