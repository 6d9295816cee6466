"""Sections: what stands under a heading, with the path of headings above it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loresmith.values import Document

_FENCE = re.compile(r"\s{0,3}(```+|~~~+)")
_HASHES = re.compile(r"\s{0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_RULE = re.compile(r"\s{0,3}(=+|-{2,})[ \t]*$")


@dataclass(frozen=True, slots=True)
class Mark:
    """A heading: where it begins and ends with its underline, its level from 1, and what it says."""

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Section:
    """A span with the headings it stands under, outermost first; its own ends where the body begins."""

    start: int
    body: int
    end: int
    headings: tuple[str, ...]


def markdown_marks(text: str) -> list[Mark]:
    """Return the headings of Markdown: with number signs, or one line underlined; none inside code fences."""
    marks: list[Mark] = []
    fence, before, alone, place, last = "", "", True, 0, 0
    for line in text.split("\n"):
        fenced = _FENCE.match(line)
        if fenced and (not fence or fenced[1].startswith(fence)):
            fence = "" if fence else fenced[1][:3]
        elif not fence:
            if found := _HASHES.match(line):
                marks.append(Mark(place, place + len(line), len(found[1]), found[2].strip()))
            elif alone and before.strip() and not _HASHES.match(before) and (rule := _RULE.match(line)):
                marks.append(Mark(last, place + len(line), 1 if rule[1][0] == "=" else 2, before.strip()))
        alone, before, last = not before.strip(), line, place
        place += len(line) + 1
    return marks


def markup_marks(document: Document) -> list[Mark]:
    """Return the headings that the document's markup named when it was read."""
    marks = []
    for start, level in document.headings:
        end = document.text.find("\n", start)
        end = len(document.text) if end < 0 else end
        marks.append(Mark(start, end, level, document.text[start:end].lstrip("# ").strip()))
    return marks


def sections(text: str, marks: Sequence[Mark]) -> Iterator[Section]:
    """Yield the sections of a text without the white space around them; a heading alone goes with what follows."""
    path: list[Mark] = []
    carried: int | None = None
    edges = [*marks, Mark(len(text), len(text), 0, "")]
    yield from _trimmed(text, 0, 0, edges[0].start, ())
    for mark, following in zip(marks, edges[1:], strict=True):
        path = [above for above in path if above.level < mark.level] + [mark]
        start = mark.start if carried is None else carried
        if not text[mark.end : following.start].strip() and following.level:
            carried = start
            continue
        carried = None
        titles = tuple(each.title for each in path if each.title)
        yield from _trimmed(text, start, mark.end, following.start, titles)


def _trimmed(text: str, start: int, body: int, end: int, headings: tuple[str, ...]) -> Iterator[Section]:
    piece = text[start:end]
    if piece.strip():
        begin = start + len(piece) - len(piece.lstrip())
        yield Section(begin, max(begin, body), start + len(piece.rstrip()), headings)
