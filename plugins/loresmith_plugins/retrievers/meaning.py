"""The vectors' side: the nearest chunks, and how near chunks are to a question on the whole."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from loresmith.files import read_json, replacing, write_json
from loresmith.specs import RetrieverContext
from loresmith.values import content_hash
from loresmith_plugins.retrievers.fusion import Ranking, Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from loresmith.specs import Vectors

SAMPLE = 1024
"""Chunks that stand for all when mean and spread of the similarities are taken; the spread is then right to 2 %."""

EXACT = 4096
"""Chunks up to which a filtered search compares all that the filter lets pass, whose vectors then stay in memory."""

_MAKE = 1
_FINGERPRINT = "fingerprint.json"


class Meaning:
    """Searches by vectors.

    Args:
        context: What the retriever is built from.
        allowed: Ids of the chunks that may be found; None for all.
    """

    def __init__(self, context: RetrieverContext, allowed: frozenset[str] | None) -> None:
        self._context = context
        self._allowed = allowed
        self._folder = context.folder / "sample"
        self._stamp = {"make": _MAKE, "chunks": context.fingerprint}

    def save(self) -> None:
        """Write the sample of vectors, unless the one that is there fits."""
        if self._fits():
            return
        import numpy as np

        with replacing(self._folder) as folder:
            folder.mkdir()
            np.save(folder / "vectors.npy", self._drawn())
            write_json(folder / _FINGERPRINT, self._stamp)

    def ask(self, queries: Sequence[str]) -> MeaningAsked:
        """Return what the vectors say of a batch of queries."""
        return MeaningAsked(self, self._context.embed(queries))

    def search(self, vectors: Vectors, k: int) -> list[list[tuple[str, float]]]:
        """Return for each vector the k nearest chunks that may be found, as (id, cosine), best first."""
        if not len(vectors):
            return []
        if self._allowed is None:
            return self._context.store().search(vectors, k)
        if len(self._allowed) <= EXACT:
            return [self._nearest(vector, k) for vector in vectors]
        return self._searched_deeper(vectors, k, self._allowed)

    def moments(self, vectors: Vectors) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and standard deviation of the cosines between each vector and all chunks, shape (vectors,)."""
        cosines = vectors @ self._sample.T
        return cosines.mean(axis=1), cosines.std(axis=1)

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors of chunks."""
        return self._context.store().vectors(ids)

    def _searched_deeper(self, vectors: Vectors, k: int, allowed: frozenset[str]) -> list[list[tuple[str, float]]]:
        total = len(self._context.chunks)
        depth = k
        while True:
            depth = min(total, 2 * depth * total // len(allowed))
            found = self._context.store().search(vectors, depth)
            kept = [[pair for pair in row if pair[0] in allowed][:k] for row in found]
            if depth == total or all(len(row) == k for row in kept):
                return kept

    def _nearest(self, vector: Vectors, k: int) -> list[tuple[str, float]]:
        ids, theirs = self._within
        scored = zip(ids, (theirs @ vector).tolist(), strict=True)
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:k]

    @cached_property
    def _within(self) -> tuple[list[str], Vectors]:
        ids = sorted(self._allowed or ())
        return ids, self.vectors(ids)

    @cached_property
    def _sample(self) -> Vectors:
        import numpy as np

        if self._fits():
            sample: Vectors = np.load(self._folder / "vectors.npy", allow_pickle=False)
            return sample
        return self._drawn()

    def _drawn(self) -> Vectors:
        # By hash, so that neither chance nor the order of the documents decides.
        return self.vectors(sorted(self._context.chunks, key=content_hash)[:SAMPLE])

    def _fits(self) -> bool:
        try:
            return bool(read_json(self._folder / _FINGERPRINT) == self._stamp)
        except (OSError, ValueError):
            return False


class MeaningAsked:
    """What the vectors say of a batch of queries: a way of `fusion`.

    Args:
        meaning: The vectors' side.
        vectors: Vectors of the queries.
    """

    def __init__(self, meaning: Meaning, vectors: Vectors) -> None:
        self._meaning, self._vectors = meaning, vectors
        self._found: list[dict[str, float]] = [{} for _ in vectors]

    def best(self, depth: int) -> list[Ranking]:
        """Return for each query the nearest chunks, best first."""
        found = self._meaning.search(self._vectors, depth)
        for known, row in zip(self._found, found, strict=True):
            known.update(row)
        return list(found)

    def scored(self, query: int, ids: Sequence[str]) -> Scored:
        """Return the cosines of some chunks, also of those that are too far to be found."""
        known, vector = self._found[query], self._vectors[query]
        unknown = [id_ for id_ in ids if id_ not in known]
        if unknown:
            known |= zip(unknown, (self._meaning.vectors(unknown) @ vector).tolist(), strict=True)
        mean, deviation = self._moments
        return Scored({id_: known[id_] for id_ in ids}, float(mean[query]), float(deviation[query]))

    @cached_property
    def _moments(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._meaning.moments(self._vectors)
