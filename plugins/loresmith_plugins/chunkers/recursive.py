"""Chunker `recursive`: LangChain's recursive splitter, with exact spans.

The splitter is asked for pieces without overlap and without stripping: laid end to end they are the document again, so
each piece's place is known and never searched for, which goes wrong where a text repeats itself. The overlap is
then taken from the document itself: it starts at a word, and never reaches back over a heading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from loresmith.errors import MissingExtraError
from loresmith.options import Options
from loresmith.values import Chunk, Document

_SEPARATORS = [
    *(rf"\n(?={'#' * level} )" for level in range(1, 7)),
    r"\n\n+",
    r"\n",
    r"(?<=[.?!…]) +",
    r"(?<=[;:,]) +",
    r" +",
    "",
]
"""Where to cut, best first. What a separator matches stays at the end of the piece before it."""

_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_WORD_START = re.compile(r"(?<=\s)\S")


class RecursiveOptions(Options):
    """Options of chunker `recursive`."""

    size: int = Field(default=800, ge=50, le=20_000, description="Longest chunk, in characters")
    overlap: int = Field(
        default=100, ge=0, le=10_000, description="Characters a chunk repeats of the one before, at most"
    )

    @model_validator(mode="after")
    def _overlap_is_less_than_half(self) -> Self:
        if self.overlap * 2 > self.size:
            raise ValueError(f"overlap {self.overlap} is more than half of size {self.size}")
        return self


class RecursiveChunker:
    """Cuts documents into chunks of at most `size` characters."""

    def __init__(self, options: RecursiveOptions) -> None:
        try:
            from langchain_text_splitters.character import RecursiveCharacterTextSplitter
        except ImportError as error:
            raise MissingExtraError("langchain-text-splitters", "rag") from error
        self._size, self._overlap = options.size, options.overlap
        self._splitter = RecursiveCharacterTextSplitter(
            separators=_SEPARATORS,
            is_separator_regex=True,
            keep_separator="end",
            chunk_size=options.size - options.overlap,
            chunk_overlap=0,
            strip_whitespace=False,
        )

    def split(self, document: Document) -> list[Chunk]:
        """Return the chunks in order; `document.text[c.start:c.end] == c.text`, and none is blank."""
        return [
            Chunk(f"{document.id}#{n}", document.id, start, end, document.text[start:end], document.title)
            for n, (start, end) in enumerate(self.spans(document.text))
        ]

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the chunks of a text are."""
        before = 0
        for start, end in self._pieces(text):
            yield self._reach_back(text, start, before), end
            before = start

    def _pieces(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the pieces are, without the white space around them; headings go with what follows."""
        place = 0
        headings: int | None = None
        for piece in self._splitter.split_text(text):
            start, end = place + len(piece) - len(piece.lstrip()), place + len(piece.rstrip())
            place += len(piece)
            if start >= end:
                continue
            if headings is not None and end - headings > self._size:
                yield headings, len(text[:start].rstrip())
                headings = None
            begin = start if headings is None else headings
            headings = begin if _is_headings(text[begin:end]) else None
            if headings is None:
                yield begin, end
        if headings is not None:
            yield headings, len(text.rstrip())

    def _reach_back(self, text: str, start: int, before: int) -> int:
        """Return where a chunk begins with its overlap.

        Args:
            text: The document.
            start: Where the chunk's own piece begins.
            before: Where the piece before it begins; the overlap goes no further back.
        """
        window = text[max(before, start - self._overlap) : start]
        if not window or _HEADING.match(text[start : start + 7]):
            return start
        headings = list(_HEADING.finditer(window))
        if headings:
            return start - len(window) + headings[-1].start()
        if len(window) == start - before:
            return start - len(window.lstrip())
        word = _WORD_START.search(window)
        return start - len(window) + word.start() if word else start


def _is_headings(text: str) -> bool:
    return all(_HEADING.match(line) for line in text.splitlines() if line.strip())
