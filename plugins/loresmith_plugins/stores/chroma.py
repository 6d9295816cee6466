"""Store `chroma`: vectors in a Chroma collection, in a database on disk or on a server.

No telemetry, no embedding of its own. On a server every index has a collection of its own, so that projects can share
it: named after this checkout, or by the recipe where several machines are to share one index.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, field_validator, model_validator

from loresmith.errors import MissingExtraError, RetrievalError
from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import StoreSpec
from loresmith_plugins.stores.chroma_client import checkout, client, hang_up, place, sessions

if TYPE_CHECKING:
    from loresmith.specs import Vectors

_COLLECTION = "chunks"


class ChromaOptions(Options):
    """Options of store `chroma`."""

    effort: int = Field(default=300, ge=10, le=10_000, description="Candidates the graph search keeps (HNSW ef)")
    host: str | None = Field(
        default=None, min_length=1, description="Machine of a Chroma server; without one the database is a folder"
    )
    port: int | None = Field(default=None, ge=1, le=65_535, description="The server's port (default: 8000)")
    ssl: bool | None = Field(default=None, description="Encrypt the connection (default: on port 443)")
    token_env: str | None = Field(
        default=None, description="Name of the environment variable that holds the server's token, if it wants one"
    )
    collection: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9-]{1,30}$",
        description="Name on the server, the same on all machines that share one index (default: this checkout's own)",
    )

    @field_validator("token_env")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not (name.isascii() and name.isidentifier()):
            raise ValueError("is not the name of an environment variable; the token itself never stands in a recipe")
        return name

    @model_validator(mode="after")
    def _has_a_server(self) -> Self:
        if self.host is None:
            told = [name for name in ("port", "ssl", "token_env", "collection") if getattr(self, name) is not None]
            if told:
                raise ValueError(f"{told[0]} belongs to a server: name its host too")
        return self


class ChromaStore:
    """One collection in cosine space.

    Args:
        options: What the recipe says.
        folder: Where the database is; for a server, what its collection is named after.
        dimension: Length of a vector; Chroma takes it from the first one written.

    Raises:
        RetrievalError: If the database cannot be opened, or the server does not answer.
    """

    def __init__(self, options: ChromaOptions, folder: Path, dimension: int) -> None:  # noqa: ARG002
        self._place, self._hint = place(options, folder)
        self._own = None if options.collection or options.host is None else checkout(folder)
        self._name = _COLLECTION if options.host is None else f"{options.collection or self._own}-{folder.name}"
        with self._explained(ValueError, AttributeError):
            self._client = client(options, folder)
            # A search leaves its store to the garbage collector.
            self._hang_up = weakref.finalize(self, hang_up, sessions(self._client))
            self._collection = self._client.get_or_create_collection(
                self._name,
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

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors of these ids, shape (len(ids), dimension), in the order given."""
        import numpy as np

        found: dict[str, Any] = {}
        with self._explained():
            for start in range(0, len(ids), self._most):
                rows = self._collection.get(ids=sorted(set(ids[start : start + self._most])), include=["embeddings"])
                found |= zip(rows["ids"], rows["embeddings"] if rows["embeddings"] is not None else [], strict=True)
        if missing := [id_ for id_ in ids if id_ not in found]:
            raise RetrievalError(
                f'the vector store {self._place} lacks vector "{missing[0]}"', "Run `loresmith index`."
            )
        return np.array([found[id_] for id_ in ids], dtype=np.float32).reshape(len(ids), -1)

    def count(self) -> int:
        """Return how many vectors there are."""
        with self._explained():
            return int(self._collection.count())

    def ids(self) -> set[str]:
        """Return the ids of all vectors."""
        with self._explained():
            return set(self._collection.get(include=[])["ids"])

    def sweep(self) -> None:
        """Remove this checkout's other collections from a server; what machines share is left to them."""
        if self._own is None:
            return
        with self._explained():
            for collection in self._client.list_collections():
                if collection.name.startswith(f"{self._own}-") and collection.name != self._name:
                    self._client.delete_collection(collection.name)

    def close(self) -> None:
        """Let go of the database."""
        self._client.close()
        self._hang_up()

    @contextmanager
    def _explained(self, *more: type[Exception]) -> Iterator[None]:
        """Say in our words what Chroma, and the connection to a server, raise.

        Args:
            more: What else is an error of the store when a client is made: that no server answers is a `ValueError`,
                and over a database that does not open Chroma's own clean-up may stumble.
        """
        try:
            from chromadb.errors import ChromaError
            from httpx import HTTPError
        except ImportError as error:
            raise MissingExtraError("chromadb", "rag") from error
        try:
            yield
        except (ChromaError, HTTPError, ConnectionError, *more) as error:
            reason = error.__context__ or error if isinstance(error, AttributeError) else error
            raise RetrievalError(f"the vector store {self._place} cannot be used: {reason}", self._hint) from error


@hookimpl
def register_stores(register: Callable[[StoreSpec], None]) -> None:
    """Register `chroma`."""
    register(
        StoreSpec(
            name="chroma",
            summary="Chroma: a database in the project, or a server",
            options=ChromaOptions,
            build=ChromaStore,
            remote=lambda options: options.host is not None,
            reached_by=frozenset({"host", "port", "ssl", "token_env"}),
        )
    )
