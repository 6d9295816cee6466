"""Lists of hits made one by their ranks, where scores cannot be compared: of several bases, or of several queries.

    fused(c) = Σ 1 / (60 + rank(c))        over the lists that hold c, ranks counted from 1

after Cormack, Clarke and Büttcher, Reciprocal Rank Fusion (2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loresmith.values import Hit

RANK_CONSTANT = 60

BEST = "best"
"""Name of the score that the retriever itself gave a hit, the highest where it did so more than once."""


def fused(lists: Sequence[Sequence[Hit]], name: str) -> list[Hit]:
    """Return the hits of all lists, best first; of equal ones, the one that the earlier list has comes first.

    Args:
        lists: Hits, best first.
        name: Under which the new score stands among the others; `relevance` finds the retriever's own again.
    """
    found: dict[str, Hit] = {}
    worth: dict[str, float] = {}
    for hits in lists:
        for rank, hit in enumerate(hits, 1):
            id_ = hit.chunk.id
            worth[id_] = worth.get(id_, 0.0) + 1 / (RANK_CONSTANT + rank)
            if id_ not in found or relevance(hit) > relevance(found[id_]):
                found[id_] = hit
    ordered = sorted(found, key=lambda id_: -worth[id_])
    return [
        replace(hit, score=worth[id_], scores={**hit.scores, BEST: relevance(hit), name: worth[id_]})
        for id_, hit in ((id_, found[id_]) for id_ in ordered)
    ]


def relevance(hit: Hit) -> float:
    """Return the score that the retriever itself gave a hit, which a floor is compared with."""
    return hit.scores.get(BEST, hit.score)
