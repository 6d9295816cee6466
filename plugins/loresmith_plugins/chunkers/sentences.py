"""Chunker `sentence`: as many whole sentences as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from loresmith.evidence.sentences import sentences
from loresmith.options import Options
from loresmith.values import Chunk, Document
from loresmith_plugins.chunkers.recursive import RecursiveChunker, RecursiveOptions

Span = tuple[int, int]


class SentenceOptions(Options):
    """Options of chunker `sentence`."""

    size: int = Field(default=800, ge=50, le=20_000, description="Longest chunk, in characters")
    overlap: int = Field(default=1, ge=0, le=20, description="Sentences a chunk repeats of the one before, at most")


class SentenceChunker:
    """Packs sentences; only one that is longer than a chunk is cut."""

    def __init__(self, options: SentenceOptions) -> None:
        self._size, self._overlap = options.size, options.overlap
        self._pieces = RecursiveChunker(RecursiveOptions(size=options.size, overlap=0))

    def split(self, document: Document) -> list[Chunk]:
        """Return the chunks in order."""
        text = document.text
        return [
            Chunk(f"{document.id}#{n}", document.id, start, end, text[start:end], document.title)
            for n, (start, end) in enumerate(self._packed(list(self._sentences(text))))
        ]

    def _sentences(self, text: str) -> Iterator[Span]:
        """Yield spans that follow each other, list markers and the like with the sentence behind them."""
        ends = [end for _, end in sentences(text)]
        for start, end in zip([0, *ends], [*ends[:-1], len(text)] if ends else [len(text)], strict=False):
            for first, last in self._pieces.spans(text[start:end]):
                yield start + first, start + last

    def _packed(self, spans: Sequence[Span]) -> Iterator[Span]:
        first = n = 0
        while n < len(spans):
            begin = spans[first][0]
            while n < len(spans) and spans[n][1] - begin <= self._size:
                n += 1
            yield begin, spans[n - 1][1]
            first = self._back(spans, n)

    def _back(self, spans: Sequence[Span], n: int) -> int:
        """Return where the next chunk begins: some sentences before the n-th, so that the n-th still fits."""
        first = n
        while n < len(spans) and first > max(0, n - self._overlap) and self._fits(spans, first - 1, n):
            first -= 1
        return first

    def _fits(self, spans: Sequence[Span], first: int, n: int) -> bool:
        return spans[n][1] - spans[first][0] <= self._size
