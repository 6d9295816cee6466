"""The panel that says why an answer is what it is."""

from __future__ import annotations

import re

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from loresmith.cli.answers import trace_text
from loresmith.values import Trace

_LABEL = re.compile(
    r"(?m)^(?:(?:also )?searched for:|(?:retrieved|reranked) \d+:|(?:filtered|dropped|cut|check|cited|settings|refused|"
    r"note):|\[\d+\]|--- \w+ ---$)"
)
"""What the lines of a trace begin with."""


class TracePanel(VerticalScroll):
    """Shows one trace, in the width there is."""

    def __init__(self, id: str) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id)
        self._trace: Trace | None = None

    def compose(self) -> ComposeResult:
        """Yield the text."""
        yield Static("", id="why", markup=False)

    def show(self, trace: Trace | None) -> None:
        """Show another trace, or that there is none."""
        self._trace = trace
        self._draw()
        self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Draw for the width there is."""
        self._draw()

    def _draw(self) -> None:
        if not self.display:
            return
        text = trace_text(self._trace, self.size.width - 1) if self._trace else "Nothing has been answered yet."
        content = Content(text)
        for match in _LABEL.finditer(text):
            content = content.stylize("bold $primary", match.start(), match.end())
        self.query_one("#why", Static).update(content)
