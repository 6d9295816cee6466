"""Chunker `whole`: a document is one chunk."""

from __future__ import annotations

from loresmith.values import Chunk, Document


class WholeChunker:
    """Takes documents as they are, for those that are short: answers to common questions, entries, abstracts."""

    def split(self, document: Document) -> list[Chunk]:
        """Return the document as one chunk, without the white space around it; nothing for a blank one."""
        text = document.text
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())
        if start >= end:
            return []
        return [Chunk(f"{document.id}#0", document.id, start, end, text[start:end], document.title)]
