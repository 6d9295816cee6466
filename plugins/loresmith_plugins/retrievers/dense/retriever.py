"""Finds by vectors alone."""

from __future__ import annotations

from collections.abc import Sequence

from loresmith.values import Hit
from loresmith_plugins.retrievers.finder import Finder


class DenseFinder(Finder):
    """The nearest vectors; `dense` is the cosine similarity."""

    def prepare(self) -> None:
        """Nothing is kept beside the vectors."""

    def ranked(self, queries: Sequence[str], depth: int) -> list[list[Hit]]:
        """Return for each query its hits, best first."""
        found = self.meaning.ask(queries).best(depth)
        return [[self.hit(id_, score, {"dense": score}) for id_, score in row] for row in found]
