"""Several knowledge bases asked as one: their scores cannot be compared, their ranks can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loresmith.knowledge.rank_fusion import fused
from loresmith.specs import Retriever
from loresmith.values import Hit


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
        return [fused([hits[n] for hits in found], "bases")[: self._k if k is None else k] for n in range(len(queries))]
