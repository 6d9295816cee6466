"""Where the sentences of a text are: of replies, to see what a mark stands behind; of passages, to quote one."""

from __future__ import annotations

import re
from collections.abc import Iterator

NUMBERS = r"\d{1,3}(?:[ \t]*[,;][ \t]*\d{1,3})*"
"""Pattern of what a citation mark holds."""

MARK = rf"\[{NUMBERS}\]"
"""Pattern of a citation mark: `[1]`, `[1, 2]`."""

Span = tuple[int, int]
"""Start and end in a text, in characters."""

# A line that begins one of these stands for itself, whatever the line before it ends with.
_NEW_BLOCK = re.compile(r"[ \t]*(?:[-*+•][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|\||>|$)")
_CLOSED = re.compile(r"[ \t]*(?:#{1,6}[ \t]|\|)")
_LEAD = re.compile(r"\s*(?:(?:[-*+•>]|\d{1,3}[.)]|#{1,6})[ \t]+)*\s*")
# Marks behind the full stop belong to the sentence before it.
_END = re.compile(rf"""(?:[.!?…]+["'”’)\]]*(?=\s|$)|[。！？]+)(?:\s*{MARK})*""")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|cf|vs|approx|incl|fig|mr|mrs|ms|dr|st|[^\W\d_])\.$", re.IGNORECASE)
_NUMERO = re.compile(r"(?:^|[\s(])(?:nos?|pp?)\.$", re.IGNORECASE)


def sentences(text: str) -> list[Span]:
    """Return the spans of the sentences, in order; list items, headings and table rows count as sentences.

    List markers and heading signs are outside the spans, and so is what holds no letter or digit.
    """
    spans = [_trimmed(text, start, end) for block in _blocks(text) for start, end in _cut(text, *block)]
    return [(start, end) for start, end in spans if any(c.isalnum() for c in text[start:end])]


def _blocks(text: str) -> Iterator[Span]:
    """Yield paragraphs, list items, headings and table rows."""
    start = position = 0
    previous = ""
    for line in text.splitlines(keepends=True):
        if position > start and (_NEW_BLOCK.match(line.rstrip()) or _CLOSED.match(previous)):
            yield start, position
            start = position
        position += len(line)
        previous = line
    if position > start:
        yield start, position


def _cut(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _END.finditer(text, start, end):
        if _goes_on(text[start : match.end()], text[match.end() : end].lstrip()):
            continue
        yield start, match.end()
        start = match.end()
    yield start, end


def _goes_on(before: str, after: str) -> bool:
    """Whether a full stop does not end the sentence: an abbreviation, or a lower-case letter behind it."""
    if not after:
        return False
    return bool(after[0].islower() or _ABBREVIATION.search(before) or (after[0].isdigit() and _NUMERO.search(before)))


def _trimmed(text: str, start: int, end: int) -> Span:
    lead = _LEAD.match(text, start, end)
    start = lead.end() if lead else start
    return start, max(start, start + len(text[start:end].rstrip()))
