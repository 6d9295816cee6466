"""What all rerankers of ours can be told, and how they hand their hits back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import Field

from loresmith.options import Options
from loresmith.values import Hit


class RerankerOptions(Options):
    """Options that every reranker here has."""

    candidates: int = Field(default=20, ge=1, le=1000, description="Hits it looks at; the rest is left out")
    floor: float | None = Field(
        default=None, ge=0, le=1, description="Its score below which a chunk is not handed over, from 0 to 1"
    )


def by_score(hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
    """Return the hits with their new scores, best first; equal ones stay in the retriever's order."""
    scored = [
        replace(hit, score=score, scores={**hit.scores, "rerank": score})
        for hit, score in zip(hits, scores, strict=True)
    ]
    return sorted(scored, key=lambda hit: -hit.score)
