"""A chunk within its document: what stands before it, the chunk with the words that were searched for, what follows."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from loresmith_tui.shown import one_line, plain, same_length

AROUND = 800
"""Characters of the document that are shown before and after a chunk."""
ABOVE = 2
"""Lines of what stands before it that are seen at first."""

Spans = Sequence[tuple[int, int]]


class ChunkView(VerticalScroll):
    """Shows one chunk, or a text that says something in its place."""

    def compose(self) -> ComposeResult:
        """Yield the place, and the document around it in three parts."""
        for name in ("place", "around-before", "text", "around-after"):
            yield Static("", id=name, markup=False)

    def say(self, text: str) -> None:
        """Show a text in place of a chunk."""
        self._fill("", "", Content(plain(text)), "")
        self.scroll_home(animate=False)

    def show(self, place: str, document: str, start: int, end: int, spans: Spans) -> None:
        """Show a chunk.

        Args:
            place: What stands above it.
            document: The text of the document.
            start: Where the chunk begins.
            end: Where it ends.
            spans: Words in the chunk to be marked, counted from its beginning.
        """
        chunk = Content(same_length(document[start:end]))
        for begin, stop in spans:
            chunk = chunk.stylize("bold underline $accent", begin, stop)
        before = same_length(document[max(0, start - AROUND) : start]).strip("\n")
        after = same_length(document[end : end + AROUND]).strip("\n")
        self._fill(one_line(place), before, chunk, after)
        self.call_after_refresh(self._look)

    def _fill(self, place: str, before: str, chunk: Content, after: str) -> None:
        parts = {
            "place": Content(place),
            "around-before": Content(before),
            "text": chunk,
            "around-after": Content(after),
        }
        for name, content in parts.items():
            widget = self.query_one(f"#{name}", Static)
            widget.update(content)
            widget.display = bool(content)

    def _look(self) -> None:
        """Have the chunk at the top, a little of what stands before it above."""
        above = self.query_one("#text").virtual_region.y
        self.scroll_to(y=max(0, above - ABOVE) if above > ABOVE + 1 else 0, animate=False)
