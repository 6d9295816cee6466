"""Several knowledge bases asked as one, fused by reciprocal rank: their scores cannot be compared, their ranks can.

    bases(c) = 1 / (60 + rank(c))        rank of c in its own base, counted from 1

after Cormack, Clarke and Büttcher, Reciprocal Rank Fusion (2009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loresmith.specs import Retriever
from loresmith.values import Hit

RANK_CONSTANT = 60


class SeveralRetriever:
    """Searches every base.

    Args:
        bases: Retriever of each base by name.
        k: Hits for a question where none are asked for; as many as are found if not given.
    """

    def __init__(self, bases: Mapping[str, Retriever], k: int | None) -> None:
        self.bases = dict(bases)
        self._k = k

    def prepare(self) -> None:
        """Build and save what the retrievers keep beside the vectors."""
        for retriever in self.bases.values():
            retriever.prepare()

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query the hits of all bases, best first.

        `scores` keeps those of the base, its final one as `best`, which a floor is compared with, and `bases`.
        """
        found = [retriever.search(queries, k) for retriever in self.bases.values()]
        return [_fused([hits[n] for hits in found])[: self._k if k is None else k] for n in range(len(queries))]


def _fused(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    ranked = [(1 / (RANK_CONSTANT + rank), hit) for hits in lists for rank, hit in enumerate(hits, 1)]
    # A stable sort: of equal ranks, that of the base named first in the recipe comes first.
    ranked.sort(key=lambda pair: -pair[0])
    return [Hit(hit.chunk, score, {**hit.scores, "best": hit.score, "bases": score}) for score, hit in ranked]
