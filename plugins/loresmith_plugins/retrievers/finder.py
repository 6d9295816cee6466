"""What the retrievers have in common: depth, novelty, the plugins' filter, and the class that LangChain knows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from loresmith.errors import MissingExtraError
from loresmith.specs import Retriever, RetrieverContext
from loresmith.values import Chunk, Hit
from loresmith_plugins.retrievers.meaning import Meaning
from loresmith_plugins.retrievers.novelty import diverse
from loresmith_plugins.retrievers.where import allowed
from loresmith_plugins.retrievers.words import WordIndex

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document as LangChainDocument

    from loresmith_plugins.retrievers.options import RetrieverOptions


class Finder(ABC):
    """Finds chunks one way or another.

    Args:
        options: What the recipe says.
        context: The index.
    """

    def __init__(self, options: RetrieverOptions, context: RetrieverContext) -> None:
        self.options = options
        self.context = context
        self.words = WordIndex(context.folder / "bm25", context.fingerprint, context.chunks)

    @abstractmethod
    def prepare(self) -> None:
        """Make and save what is kept beside the vectors; nothing to do when it fits."""

    @abstractmethod
    def ranked(self, queries: Sequence[str], depth: int) -> list[list[Hit]]:
        """Return for each query up to about `depth` hits, best first."""

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query its hits, best first; `k` overrides the recipe's."""
        if not queries:
            return []
        wanted = self.options.k if k is None else k
        found = self.ranked(queries, max(self.options.candidates, wanted))
        if self.options.mmr == 1:
            return [hits[:wanted] for hits in found]
        return [self._diverse(hits[: max(self.options.candidates, wanted)], wanted) for hits in found]

    def handed_over(self, query: str) -> list[Hit]:
        """Return the hits of one query after the plugins' filters and the floor."""
        floor = self.options.floor
        hits = self.context.filter(query, self.search([query])[0])
        return [hit for hit in hits if floor is None or hit.score >= floor]

    @cached_property
    def allowed(self) -> frozenset[str] | None:
        """The chunks that may be found; None for all."""
        return allowed(self.context, self.options.where)

    @cached_property
    def meaning(self) -> Meaning:
        """The vectors' side."""
        return Meaning(self.context, self.allowed)

    def hit(self, id_: str, score: float, scores: dict[str, float]) -> Hit:
        """Return a hit by the chunk's id."""
        return Hit(self.context.chunks[id_], score, scores)

    def _diverse(self, hits: list[Hit], wanted: int) -> list[Hit]:
        vectors = self.meaning.vectors([hit.chunk.id for hit in hits])
        return diverse(hits, vectors, self.options.mmr, wanted)


class IndexRetriever:
    """A finder as the core knows it; where a chain asks, LangChain's `BaseRetriever` too, by its class and its methods.

    That class takes as long to import as all else that a search imports, so it is made when somebody asks for it.
    """

    def __init__(self, finder: Finder) -> None:
        self.finder = finder

    def prepare(self) -> None:
        """Build and save what is kept beside the vectors."""
        self.finder.prepare()

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query its hits, best first; `k` overrides the recipe's."""
        return self.finder.search(queries, k)

    def shared(self, query: str, chunk: Chunk) -> list[str]:
        """Return the words of a query that a chunk has, in any form."""
        return self.finder.words.shared(query, chunk)

    @cached_property
    def langchain(self) -> Any:
        """The same as a `BaseRetriever`: `invoke(query)` gives LangChain documents."""
        return langchain_class()(finder=self.finder)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return langchain_class()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.langchain, name)

    def __or__(self, other: Any) -> Any:
        return self.langchain | other

    def __ror__(self, other: Any) -> Any:
        return other | self.langchain


@cache
def langchain_class() -> Any:
    """Return the class that LangChain knows."""
    try:
        from langchain_core.documents import Document as LangChainDocument
        from langchain_core.retrievers import BaseRetriever
    except ImportError as error:
        raise MissingExtraError("langchain-core", "rag") from error

    class LangChainRetriever(BaseRetriever):
        """The index as a LangChain retriever."""

        finder: Any

        def _get_relevant_documents(
            self,
            query: str,
            *,
            run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002
        ) -> list[LangChainDocument]:
            return [
                LangChainDocument(page_content=hit.chunk.text, metadata=_metadata(hit))
                for hit in self.finder.handed_over(query)
            ]

    return LangChainRetriever


def as_retriever(finder: Finder) -> Retriever:
    """Return the finder as what the core calls a retriever, and LangChain too."""
    return IndexRetriever(finder)


def _metadata(hit: Hit) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "chunk": chunk.id,
        "document": chunk.document,
        "title": chunk.title,
        "start": chunk.start,
        "end": chunk.end,
        "score": hit.score,
        "scores": dict(hit.scores),
    }
