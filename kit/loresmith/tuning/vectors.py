"""Vectors kept by the text they are of, over all trials and interruptions; and an exact search among some of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from loresmith.errors import RetrievalError
from loresmith.files import read_json, replacing, write_json
from loresmith.knowledge.vectors import TEXTS_A_WRITE, vector_id
from loresmith.specs import Embedder, Progress
from loresmith.values import Chunk, content_hash

if TYPE_CHECKING:
    from loresmith.specs import Vectors


class TextVectors:
    """Vectors of texts, kept in a folder; what was embedded once never is again.

    Args:
        folder: Where they are kept: parts of some hundred vectors, each written in one piece.
        embedder: Makes those that are missing.
    """

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self._folder = folder / content_hash(embedder.identity)[:12]
        self._embedder = embedder
        self.embedded = 0
        """Texts that had to be embedded."""

    def of_chunks(self, chunks: Sequence[Chunk], progress: Progress | None = None) -> Vectors:
        """Return the vectors of chunks, shape (len(chunks), dimension)."""
        return self._of([(vector_id(chunk), chunk.embedded) for chunk in chunks], progress)

    def of_queries(self, queries: Sequence[str]) -> Vectors:
        """Return the vectors of queries, shape (len(queries), dimension)."""
        return self._of([(content_hash("query", query)[:32], query) for query in queries], None)

    def _of(self, texts: Sequence[tuple[str, str]], progress: Progress | None) -> Vectors:
        import numpy as np

        wanted = {key: text for key, text in texts if key not in self._known}
        # Longest first, so that texts of a length are embedded together.
        missing = sorted(wanted, key=lambda key: (-len(wanted[key]), key))
        for start in range(0, len(missing), TEXTS_A_WRITE):
            keys = missing[start : start + TEXTS_A_WRITE]
            self._keep(keys, self._embedder.embed([wanted[key] for key in keys]))
            if progress:
                progress(start + len(keys), len(missing))
        rows = [self._known[key] for key, _ in texts]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self._embedder.dimension)

    def _keep(self, keys: Sequence[str], vectors: Vectors) -> None:
        import numpy as np

        with replacing(self._folder / content_hash(*keys)[:16]) as part:
            part.mkdir()
            np.save(part / "vectors.npy", vectors)
            write_json(part / "texts.json", list(keys))
        self._known.update(zip(keys, vectors, strict=True))
        self.embedded += len(keys)

    @cached_property
    def _known(self) -> dict[str, Vectors]:
        import numpy as np

        known: dict[str, Vectors] = {}
        for part in sorted(self._folder.glob("[0-9a-f]*")):
            known |= zip(read_json(part / "texts.json"), np.load(part / "vectors.npy", allow_pickle=False), strict=True)
        return known


class ExactVectors:
    """Searches some vectors by comparing them all.

    Args:
        ids: Their ids.
        vectors: Unit vectors, shape (len(ids), dimension).
    """

    def __init__(self, ids: Sequence[str], vectors: Vectors) -> None:
        self._ids, self._vectors = list(ids), vectors
        self._rows = {id_: row for row, id_ in enumerate(self._ids)}

    def search(self, vectors: Vectors, k: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector the k nearest (id, cosine), best first; ties by id."""
        scored = ([*zip(self._ids, row, strict=True)] for row in (vectors @ self._vectors.T).tolist())
        return [sorted(row, key=lambda pair: (-pair[1], pair[0]))[:k] for row in scored]

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors of these ids, in the order given."""
        unknown = [id_ for id_ in ids if id_ not in self._rows]
        if unknown:
            raise RetrievalError(f'there is no vector "{unknown[0]}"')
        found: Vectors = self._vectors[[self._rows[id_] for id_ in ids]]
        return found
