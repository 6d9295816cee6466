"""Vectors are kept by what they are made of, not by chunk: equal texts share one, and a text that moves keeps its own.

So only texts that were never seen are embedded, and a build that was cut short goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from loresmith.errors import RetrievalError
from loresmith.specs import Embedder, Progress, Searchable, Store
from loresmith.values import Chunk, content_hash

if TYPE_CHECKING:
    from loresmith.specs import Vectors

TEXTS_A_WRITE = 256
"""Texts embedded between two writes: a kill costs at most twice as many."""


def vector_id(chunk: Chunk) -> str:
    """Return the id of the chunk's vector."""
    return content_hash(chunk.embedded)[:32]


def complete(
    store: Callable[[], Store], chunks: Iterable[Chunk], embedder: Embedder, progress: Progress | None, *, empty: bool
) -> int:
    """Embed and write the vectors that the store lacks; return how many those were.

    While one lot of texts is embedded, the lot before it is written, and the store opened if it is not yet.

    Args:
        store: Opens the store at its first call.
        chunks: What is to be there.
        embedder: Makes the vectors.
        progress: Told how many texts are embedded.
        empty: Whether the store is known to hold nothing, and so need not be asked.
    """
    wanted = {vector_id(chunk): chunk.embedded for chunk in chunks}
    there: set[str] = set() if empty else store().ids()
    # Longest first, so that texts of a length are embedded together.
    missing = sorted((id_ for id_ in wanted if id_ not in there), key=lambda id_: (-len(wanted[id_]), id_))
    with ThreadPoolExecutor(1, "vectors") as writer:
        written = None
        for start in range(0, len(missing), TEXTS_A_WRITE):
            ids = missing[start : start + TEXTS_A_WRITE]
            vectors = embedder.embed([wanted[id_] for id_ in ids], _shifted(progress, start, len(missing)))
            if written:
                written.result()
            written = writer.submit(_write, store, ids, vectors)
        if written:
            written.result()
    return len(missing)


def _write(store: Callable[[], Store], ids: Sequence[str], vectors: Vectors) -> None:
    store().upsert(ids, vectors)


def prune(store: Store, chunks: Iterable[Chunk]) -> None:
    """Remove the vectors that no chunk needs any more."""
    stale = store.ids() - {vector_id(chunk) for chunk in chunks}
    if stale:
        store.delete(sorted(stale))


def _shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    return (lambda done, _: progress(before + done, total)) if progress else None


class Kept(Searchable, Protocol):
    """What holds the vectors: a store, or a copy of what is in it."""

    def count(self) -> int:
        """Return how many vectors there are."""


class ChunkVectors:
    """Searches vectors by chunk.

    Args:
        store: What holds the vectors.
        chunks: All chunks of the index.

    Raises:
        RetrievalError: If the store lacks vectors.
    """

    def __init__(self, store: Kept, chunks: Iterable[Chunk]) -> None:
        self._store = store
        self._owners: dict[str, list[str]] = {}
        self._keys: dict[str, str] = {}
        for chunk in chunks:
            self._keys[chunk.id] = key = vector_id(chunk)
            self._owners.setdefault(key, []).append(chunk.id)
        count = store.count()
        if count < len(self._owners):
            raise RetrievalError(
                f"the index lacks {len(self._owners) - count} of its {len(self._owners)} vectors",
                "Run `loresmith index`: it adds what is missing.",
            )
        # A build that was cut short leaves vectors that nobody owns; they must not crowd out the others.
        self._spare = count - len(self._owners)

    def search(self, vectors: Vectors, k: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector the k nearest (chunk id, cosine similarity), best first."""
        found = self._store.search(vectors, k + self._spare)
        return [[(id_, score) for key, score in row for id_ in self._owners.get(key, ())][:k] for row in found]

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors of chunks, shape (len(ids), dimension), in the order given."""
        return self._store.vectors([self._keys[id_] for id_ in ids])
