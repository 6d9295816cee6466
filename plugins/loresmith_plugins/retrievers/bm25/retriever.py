"""Finds by words alone."""

from __future__ import annotations

from collections.abc import Sequence

from loresmith.values import Hit
from loresmith_plugins.retrievers.finder import Finder


class BM25Finder(Finder):
    """The best BM25 scores; a chunk without a word of the question is never found."""

    def prepare(self) -> None:
        """Make and save the word index; nothing to do when it fits."""
        self.words.save()

    def ranked(self, queries: Sequence[str], depth: int) -> list[list[Hit]]:
        """Return for each query its hits, best first."""
        found = self.words.ask(queries, self.allowed).best(depth)
        return [[self.hit(id_, score, {"bm25": score}) for id_, score in row] for row in found]
