"""Store `chroma`: vectors in a Chroma collection on disk. No server, no telemetry, no embedding of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from loresmith.errors import MissingExtraError, RetrievalError
from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import StoreSpec

if TYPE_CHECKING:
    from loresmith.specs import Vectors

_COLLECTION = "chunks"


class ChromaOptions(Options):
    """Options of store `chroma`."""

    effort: int = Field(default=300, ge=10, le=10_000, description="Candidates the graph search keeps (HNSW ef)")


class ChromaStore:
    """One collection in cosine space.

    Args:
        options: What the recipe says.
        folder: Where the database is.
        dimension: Length of a vector; Chroma takes it from the first one written.
    """

    def __init__(self, options: ChromaOptions, folder: Path, dimension: int) -> None:  # noqa: ARG002
        try:
            import chromadb
            from chromadb.config import Settings
        except ImportError as error:
            raise MissingExtraError("chromadb", "rag") from error
        logging.getLogger("chromadb").setLevel(logging.ERROR)
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        with self._explained():
            self._client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
            self._collection = self._client.get_or_create_collection(
                _COLLECTION,
                embedding_function=None,
                # One thread: with several, the order of insertion and so the graph would differ from run to run.
                configuration={
                    "hnsw": {"space": "cosine", "ef_construction": 200, "ef_search": options.effort, "num_threads": 1}
                },
            )
            self._most = self._client.get_max_batch_size()

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Write vectors, replacing those of the same id."""
        with self._explained():
            for start in range(0, len(ids), self._most):
                rows = slice(start, start + self._most)
                self._collection.upsert(ids=list(ids[rows]), embeddings=vectors[rows])

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors; unknown ids are ignored."""
        with self._explained():
            for start in range(0, len(ids), self._most):
                self._collection.delete(ids=list(ids[start : start + self._most]))

    def search(self, vectors: Vectors, k: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector the k nearest (id, cosine similarity), best first; ties by id."""
        if not len(vectors):
            return []
        with self._explained():
            found = self._collection.query(query_embeddings=vectors, n_results=k, include=["distances"])
        return [
            sorted(zip(ids, (1.0 - d for d in distances), strict=True), key=lambda pair: (-pair[1], pair[0]))
            for ids, distances in zip(found["ids"], found["distances"] or [], strict=True)
        ]

    def count(self) -> int:
        """Return how many vectors there are."""
        with self._explained():
            return int(self._collection.count())

    def ids(self) -> set[str]:
        """Return the ids of all vectors."""
        with self._explained():
            return set(self._collection.get(include=[])["ids"])

    def close(self) -> None:
        """Let go of the database."""
        self._client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except ChromaError as error:
            raise RetrievalError(
                f'the vector store in "{self._folder}" cannot be used: {error}', "Run `loresmith index --rebuild`."
            ) from error


@hookimpl
def register_stores(register: Callable[[StoreSpec], None]) -> None:
    """Register `chroma`."""
    register(
        StoreSpec(
            name="chroma",
            summary="Chroma, embedded and persistent",
            options=ChromaOptions,
            build=ChromaStore,
        )
    )
