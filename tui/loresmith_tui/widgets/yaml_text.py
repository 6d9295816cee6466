"""The text of the recipe, in which one types; lines with problems are marked where the line numbers stand."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.strip import Strip
from textual.widgets import TextArea

from loresmith_tui.shown import same_length, signs

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")
_KEY = re.compile(r"[\w-]+(?=:(?:\s|$))")


class YamlText(TextArea):
    """Holds the text that form and file are about; its history is that of the form too."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id, show_line_numbers=True, soft_wrap=False, tab_behavior="indent", max_checkpoints=500)
        self.indent_width = 2
        self._bad: AbstractSet[int] = frozenset()
        self._before: str | None = None
        self._here = 0

    def on_key(self, event: events.Key) -> None:
        """Leave Escape to the room; Tab indents here."""
        if event.key == "escape":
            event.prevent_default()

    # --------------------------------------------------------------------------------------------------------- edits

    def put(self, text: str) -> None:
        """Make the text another one, as a step of its own that can be undone; only what differs is replaced."""
        before = self.text
        start = _common(before, text)
        tail = _common(before[start:][::-1], text[start:][::-1])
        if before == text:
            return
        self.history.checkpoint()
        self.replace(text[start : len(text) - tail], *map(self._location, (start, len(before) - tail)))
        self.history.checkpoint()

    @property
    def untried(self) -> str:
        """The text without what is only tried out."""
        return self.text if self._before is None else self._before

    def try_out(self, text: str) -> None:
        """Show a text in place of the one tried before it; what is tried is one step of the history, however long."""
        before = self.untried
        self.drop_tried()
        if text != before:
            self.put(text)
            self._before = before

    def drop_tried(self) -> None:
        """Go back to the text before anything was tried."""
        if self._before is not None:
            self.undo()
        self._before = None

    def keep_tried(self) -> None:
        """Let what was tried stand."""
        self._before = None

    def _location(self, index: int) -> tuple[int, int]:
        before = self.text[:index]
        return before.count("\n"), index - before.rfind("\n") - 1

    # --------------------------------------------------------------------------------------------------------- drawing

    def mark(self, lines: AbstractSet[int]) -> None:
        """Mark lines, counted from 1, as wrong."""
        if lines != self._bad:
            self._bad = lines
            self.notify_style_update()
            self.refresh()

    def point_at(self, line: int) -> None:
        """Bring the cursor to a line, counted from 1, and show which one it is."""
        self.move_cursor((min(line, self.document.line_count) - 1, 0))
        self.scroll_to(y=max(0, line - 1 - self.size.height // 2), animate=False)
        self._here = line
        self.notify_style_update()
        self.refresh()

    def get_line(self, line_index: int) -> Text:
        """Return a line as it may be shown: control codes as signs, keys and comments in their colours."""
        text = Text(same_length(self.document.get_line(line_index)), end="", no_wrap=True)
        variables = self.app.theme_variables
        text.highlight_regex(_KEY, Style.parse(variables["primary"]))
        text.highlight_regex(_COMMENT, Style.parse(f"dim italic {variables['foreground']}"))
        if line_index + 1 == self._here and not self.has_focus:
            text.stylize(Style(bgcolor=variables["panel"], bold=True))
        if line_index + 1 in self._bad:
            text.stylize(Style(underline=True))
        return text

    def _render_line(self, y: int) -> Strip:
        """Put a sign beside the number of a line that is wrong."""
        strip = super()._render_line(y)
        if y + round(self.scroll_y) + 1 not in self._bad:
            return strip
        at = self.gutter_width - 2
        sign = Segment(signs().bad, Style.parse(f"bold {self.app.theme_variables['error']}"))
        return Strip.join([strip.crop(0, at), Strip([sign]), strip.crop(at + 1)])


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
