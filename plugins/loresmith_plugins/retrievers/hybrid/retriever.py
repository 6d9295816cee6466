"""Finds by vectors and words together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loresmith.values import Hit
from loresmith_plugins.retrievers.finder import Finder
from loresmith_plugins.retrievers.fusion import Fused, Ranking, Way, by_ranks, by_scores

if TYPE_CHECKING:
    from loresmith.specs import RetrieverContext
    from loresmith_plugins.retrievers.hybrid import HybridOptions


class HybridFinder(Finder):
    """Asks vectors and words, and fuses what they say.

    Args:
        options: What the recipe says.
        context: The index.
    """

    def __init__(self, options: HybridOptions, context: RetrieverContext) -> None:
        super().__init__(options, context)
        self._by_scores, self._rrf_k = options.fusion == "scores", options.rrf_k
        self._weights = {way: weight for way, weight in (("dense", options.dense), ("bm25", options.bm25)) if weight}

    def prepare(self) -> None:
        """Make and save the word index and the sample of vectors; nothing to do when they fit."""
        if "bm25" in self._weights:
            self.words.save()
        if "dense" in self._weights and self._by_scores:
            self.meaning.save()

    def ranked(self, queries: Sequence[str], depth: int) -> list[list[Hit]]:
        """Return for each query its hits, best first."""
        ways = {way: self._ask(way, queries) for way in self._weights}
        rankings = {way: asked.best(depth) for way, asked in ways.items()}
        return [
            self._hits(self._fused(n, ways, {way: rows[n] for way, rows in rankings.items()}))
            for n in range(len(queries))
        ]

    def _ask(self, way: str, queries: Sequence[str]) -> Way:
        return self.meaning.ask(queries) if way == "dense" else self.words.ask(queries, self.allowed)

    def _fused(self, query: int, ways: dict[str, Way], rankings: dict[str, Ranking]) -> Fused:
        if not self._by_scores:
            return by_ranks(rankings, self._weights, self._rrf_k)
        candidates = sorted({id_ for ranking in rankings.values() for id_, _ in ranking})
        return by_scores({way: asked.scored(query, candidates) for way, asked in ways.items()}, self._weights)

    def _hits(self, fused: Fused) -> list[Hit]:
        key = "fused" if self._by_scores else "rrf"
        return [self.hit(id_, scores[key], scores) for id_, scores in fused]
