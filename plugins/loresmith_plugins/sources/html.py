"""Reads a page of HTML: the text that a reader sees, with its headings marked as in Markdown.

Scripts, styles and navigation are left out; lists, tables and preformatted text keep their lines. Spans of chunks are
spans of this text. Where its headings are is told beside it, since a line of code may look like one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg", "nav", "head", "iframe", "object"})
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
        "figure", "footer", "form", "header", "hr", "main", "ol", "p", "pre", "section", "summary", "table", "tr", "ul",
    }
)  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CELLS = frozenset({"td", "th"})
_SPACE = re.compile(r"[ \t\n\r\f]+")


@dataclass(frozen=True, slots=True)
class Page:
    """A page as text: what `Document` wants."""

    text: str
    title: str
    headings: tuple[tuple[int, int], ...]


def read_page(markup: str) -> Page:
    """Return the text of a page; broken markup is read as far as it makes sense, as browsers do."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader.page()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._levels: dict[int, int] = {}
        self._line = ""
        self._hidden: list[str] = []
        self._heading = 0
        self._kept = 0
        self._title: str | None = None
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "title" and not self.title:
            self._title = ""
        if tag in _HIDDEN:
            self._hidden.append(tag)
        elif tag == "body":
            # What leaves out the end of its head is not hidden for ever.
            self._hidden.clear()
        elif tag in _HEADINGS:
            self._break(blank=True)
            self._heading = _HEADINGS[tag]
        elif tag == "li":
            self._break()
            self._line = "- "
        elif tag in _CELLS:
            self._line += " | " if self._line.strip() else ""
        elif tag == "br":
            self._break()
        elif tag in _BLOCKS:
            self._break(blank=tag != "tr")
        self._kept += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._title is not None:
            self.title, self._title = " ".join(self._title.split()), None
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        elif tag in _HEADINGS:
            self._break(blank=True)
            self._heading = 0
        elif tag in _BLOCKS or tag == "li":
            self._break(blank=tag not in ("tr", "li"))
        self._kept = max(0, self._kept - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title += data
        if self._hidden:
            return
        if self._kept:
            first, *rest = data.split("\n")
            self._line += first
            for line in rest:
                self._break(keep=True)
                self._line = line
            return
        data = _SPACE.sub(" ", data)
        self._line += data.lstrip() if not self._line or self._line.endswith(" ") else data

    def page(self) -> Page:
        """Return what was read."""
        self._break()
        places, place = [], 0
        for line in self._lines:
            places.append(place)
            place += len(line) + 1
        headings = tuple((places[number], level) for number, level in sorted(self._levels.items()))
        first = next((self._lines[number].lstrip("# ") for number in sorted(self._levels)), "")
        return Page("\n".join(self._lines).rstrip("\n") + "\n", first or self.title, headings)

    def _break(self, *, blank: bool = False, keep: bool = False) -> None:
        """End the line; one of nothing but white space or a list's dash is dropped, outside preformatted text."""
        line, self._line = self._line.rstrip(), ""
        if line.strip() not in ("", "-") or keep:
            if self._heading:
                self._levels[len(self._lines)] = self._heading
                line = f"{'#' * self._heading} {line.strip()}"
            self._lines.append(line)
        if blank and self._lines and self._lines[-1]:
            self._lines.append("")
