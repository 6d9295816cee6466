"""Reranker `shortest`: passages of at most so many words come first. Its module `unfinished` cannot be imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pydantic import Field

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import RerankerContext, RerankerSpec
from loresmith.values import Hit


class ShortestOptions(Options):
    """What counts as short."""

    words: int = Field(default=40, ge=1, description="Longest passage that gets full marks")


class Shortest:
    """Scores `words / length` once a passage is longer than that."""

    def __init__(self, options: ShortestOptions, context: RerankerContext) -> None:
        self._words = options.words

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the same hits, the short ones first."""
        scores = [min(1.0, self._words / max(1, len(hit.chunk.text.split()))) for hit in hits]
        scored = [
            replace(hit, score=score, scores={**hit.scores, "rerank": score})
            for hit, score in zip(hits, scores, strict=True)
        ]
        return sorted(scored, key=lambda hit: -hit.score)


@hookimpl
def register_rerankers(register: Callable[[RerankerSpec], None]) -> None:
    """Register the reranker."""
    register(
        RerankerSpec(name="shortest", summary="Short passages come first", options=ShortestOptions, build=Shortest)
    )
