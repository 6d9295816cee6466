"""Maximal marginal relevance: the next hit is relevant, and unlike those already chosen.

    mmr(c) = λ · rel(c) - (1 - λ) · max_{d chosen} cos(c, d)

after Carbonell and Goldstein (1998); rel runs from 0 to 1 over the candidates, so that both sides weigh alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from loresmith.values import Hit

if TYPE_CHECKING:
    from loresmith.specs import Vectors


def diverse(hits: Sequence[Hit], vectors: Vectors, relevance: float, k: int) -> list[Hit]:
    """Return k of the hits in the order they are chosen; their score is that of the choice, `mmr` among their scores.

    Args:
        hits: Candidates, best first.
        vectors: Their unit vectors, shape (len(hits), dimension).
        relevance: λ, between 0 and 1.
        k: Hits wanted.
    """
    import numpy as np

    scores = np.array([hit.score for hit in hits], dtype=np.float64)
    spread = np.ptp(scores) if len(hits) else 0.0
    relevant = (scores - scores.min()) / spread if spread else np.ones(len(hits))
    likeness = np.zeros(len(hits))
    left = list(range(len(hits)))
    chosen: list[Hit] = []
    while left and len(chosen) < k:
        worth = relevance * relevant - (1 - relevance) * likeness
        best = max(left, key=lambda row: (worth[row], -row))
        left.remove(best)
        hit, score = hits[best], float(worth[best])
        chosen.append(replace(hit, score=score, scores={**hit.scores, "mmr": score}))
        alike = vectors @ vectors[best]
        # Before the first choice nothing is like it; after that likeness only grows, and the scores fall.
        likeness = np.maximum(likeness, alike) if len(chosen) > 1 else np.maximum(alike, 0)
    return chosen
