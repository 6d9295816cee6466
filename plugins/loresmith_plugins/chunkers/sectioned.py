"""Chunkers `markdown`, `html` and `small-to-big`: what stands under one heading stays together, with its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Self

from pydantic import Field, model_validator

from loresmith.options import Options
from loresmith.values import Chunk, Document
from loresmith_plugins.chunkers.headings import Mark, Section, markdown_marks, markup_marks, sections
from loresmith_plugins.chunkers.recursive import RecursiveChunker, RecursiveOptions

SHORTEST = 50
"""Characters that pieces of a section have room for, however long its heading."""

Marks = Callable[[Document], Sequence[Mark]]
"""Finds the headings of a document."""


class SmallToBigOptions(Options):
    """Options of chunker `small-to-big`."""

    size: int = Field(default=200, ge=50, le=20_000, description="Longest piece that is searched, in characters")
    section: int = Field(default=1600, ge=100, le=100_000, description="Longest section that is handed over")

    @model_validator(mode="after")
    def _sections_are_larger(self) -> Self:
        if self.section < 2 * self.size:
            raise ValueError(f"section {self.section} is less than twice the size {self.size} of its pieces")
        return self


class SectionChunker:
    """Cuts documents at their headings, and what is longer than `size` further.

    Args:
        options: Longest chunk and overlap inside a section.
        marks: Finds the headings.
    """

    def __init__(self, options: RecursiveOptions, marks: Marks) -> None:
        self._options, self._marks = options, marks

    def split(self, document: Document) -> list[Chunk]:
        """Return the chunks in order; none reaches over a heading that begins a section of its own."""
        pieces = [piece for section in self.sections(document) for piece in cut(document.text, section, self._options)]
        return [_chunk(document, str(n), piece) for n, piece in enumerate(pieces)]

    def sections(self, document: Document) -> Iterator[Section]:
        """Yield the sections, however long."""
        return sections(document.text, self._marks(document))


class SmallToBigChunker:
    """Cuts sections into small pieces; each piece holds its section, which is handed over in its place."""

    def __init__(self, options: SmallToBigOptions) -> None:
        self._pieces = RecursiveOptions(size=options.size, overlap=0)
        self._big = SectionChunker(RecursiveOptions(size=options.section, overlap=0), any_marks)
        self._largest = RecursiveOptions(size=options.section, overlap=0)

    def split(self, document: Document) -> list[Chunk]:
        """Return the pieces in order; one that is a whole section stands for itself."""
        chunks: list[Chunk] = []
        for section in self._big.sections(document):
            for big in cut(document.text, section, self._largest):
                whole = _chunk(document, f"section-{big.start}", big)
                pieces = list(cut(document.text, big, self._pieces))
                for piece in pieces:
                    chunk = _chunk(document, str(len(chunks)), piece)
                    chunks.append(chunk if len(pieces) == 1 else replace(chunk, within=whole))
        return chunks


def cut(text: str, section: Section, options: RecursiveOptions) -> Iterator[Section]:
    """Yield a section, or its pieces where it is longer than a chunk; the first has the heading, none it alone."""
    if section.end - section.start <= options.size or section.body >= section.end:
        yield section
        return
    room = max(SHORTEST, options.size - (section.body - section.start))
    pieces = _chunker(room, min(options.overlap, room // 2))
    for n, (first, last) in enumerate(pieces.spans(text[section.body : section.end])):
        start = section.body + first if n else section.start
        yield Section(start, start if n else section.body, section.body + last, section.headings)


def _chunk(document: Document, name: str, span: Section) -> Chunk:
    text = document.text[span.start : span.end]
    return Chunk(f"{document.id}#{name}", document.id, span.start, span.end, text, document.title, span.headings)


@cache
def _chunker(size: int, overlap: int) -> RecursiveChunker:
    return RecursiveChunker(RecursiveOptions(size=size, overlap=overlap))


def any_marks(document: Document) -> list[Mark]:
    """Return the headings that the document's markup named, or else those of Markdown."""
    return markup_marks(document) or markdown_marks(document.text)


def markdown_chunker(options: RecursiveOptions) -> SectionChunker:
    """Return the chunker `markdown`."""
    return SectionChunker(options, lambda document: markdown_marks(document.text))


def html_chunker(options: RecursiveOptions) -> SectionChunker:
    """Return the chunker `html`, which believes the markup and not what a line looks like."""
    return SectionChunker(options, markup_marks)
