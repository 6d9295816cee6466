"""What a passage says, statement by statement: its sentences, and the cells of its tables under their heads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from loresmith.evidence.quantities import Quantity, quantities
from loresmith.evidence.sentences import sentences
from loresmith.evidence.stems import Word, read_words, tells

_RULE = re.compile(r"\|?(?:\s*:?-{2,}:?\s*\|)+(?:\s*:?-{2,}:?\s*)?")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]")


@dataclass(frozen=True)
class Statement:
    """A sentence of a passage, or a cell of a table in it.

    Args:
        start: Where it begins in the text of the passage; a cell begins where its row does.
        stems: What it says, numbers left out; a cell says its row's and its column's head too.
        context: What the headings above it say.
        words: Its words in order, the common ones too.
    """

    start: int
    end: int
    stems: frozenset[str]
    context: frozenset[str]
    quantities: tuple[Quantity, ...]
    words: tuple[Word, ...] = ()


@lru_cache(maxsize=256)
def statements(text: str, title: str = "") -> tuple[Statement, ...]:
    """Return the statements of a passage in order."""
    return tuple(_statements(text, title))


def _statements(text: str, title: str) -> Iterator[Statement]:
    above = _content(title)
    heading: frozenset[str] = frozenset()
    head: list[str] = []
    for start, end in sentences(text):
        line = text[start:end]
        line_start = text.rfind("\n", 0, start) + 1
        if _HEADING.match(text, line_start):
            heading, head = _content(line), []
        if not line.startswith("|"):
            head = []
            yield _sentence(text, start, end, above | heading)
            continue
        cells = _cells(line)
        if _is_head(text, end):
            head = cells
        yield from _row(start, end, cells, head, above | heading)


def _sentence(text: str, start: int, end: int, context: frozenset[str]) -> Statement:
    line = text[start:end]
    return Statement(start, end, _content(line), context, tuple(quantities(line)), tuple(read_words(line)))


def _row(start: int, end: int, cells: list[str], head: list[str], context: frozenset[str]) -> Iterator[Statement]:
    label = cells[0] if cells else ""
    whole = _content(" ".join(cells))
    yield Statement(start, end, whole, context | _content(" ".join(head)), tuple(quantities(" | ".join(cells))))
    for number, cell in enumerate(cells[1:], 1):
        column = head[number] if number < len(head) else ""
        said = f"{label} | {column} | {cell}"
        yield Statement(start, end, _content(said), context, tuple(quantities(said)))


def _is_head(text: str, end: int) -> bool:
    following = text[end:].lstrip("\n").partition("\n")[0]
    return bool(_RULE.fullmatch(following.strip()))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _content(text: str) -> frozenset[str]:
    return frozenset(word.stem for word in read_words(text) if tells(word))
