"""The retriever object: ours by its `search`, LangChain's by its class, so that it drops into anybody's chain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from loresmith.errors import MissingExtraError
from loresmith.specs import Retriever, RetrieverContext
from loresmith.values import Hit
from loresmith_plugins.retrievers.hybrid.fusion import fuse
from loresmith_plugins.retrievers.hybrid.words import WordIndex

if TYPE_CHECKING:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document as LangChainDocument

    from loresmith_plugins.retrievers.hybrid import HybridOptions


class HybridSearch:
    """Asks vectors and words, and fuses what they say."""

    def __init__(self, options: HybridOptions, context: RetrieverContext) -> None:
        self._options = options
        self._context = context
        self._words = WordIndex(context.folder / "bm25", context.fingerprint, context.chunks)

    def prepare(self) -> None:
        """Make and save the word index; nothing to do when it fits."""
        if self._options.bm25:
            self._words.save()

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query its hits, best first; `k` overrides the recipe's."""
        wanted = self._options.k if k is None else k
        depth = max(self._options.candidates, wanted)
        rankings = {way: search(queries, depth) for way, search in self._ways().items()}
        return [self._hits({way: lists[n] for way, lists in rankings.items()})[:wanted] for n in range(len(queries))]

    def filtered(self, query: str) -> list[Hit]:
        """Return the hits of one query after the plugins' filters."""
        return self._context.filter(query, self.search([query])[0])

    def _ways(self) -> dict[str, Any]:
        ways = {"dense": self._dense, "bm25": self._words.search}
        return {way: search for way, search in ways.items() if self._weights[way]}

    @property
    def _weights(self) -> dict[str, float]:
        return {"dense": self._options.dense, "bm25": self._options.bm25}

    def _dense(self, queries: Sequence[str], k: int) -> list[list[tuple[str, float]]]:
        return self._context.store().search(self._context.embed(queries), k) if queries else []

    def _hits(self, rankings: dict[str, list[tuple[str, float]]]) -> list[Hit]:
        fused = fuse(rankings, self._weights, self._options.rrf_k)
        return [Hit(self._context.chunks[id_], scores["rrf"], scores) for id_, scores in fused]


@cache
def retriever_class() -> Any:
    """Return the class; made at the first call, since its base costs half a second to import."""
    try:
        from langchain_core.documents import Document as LangChainDocument
        from langchain_core.retrievers import BaseRetriever
    except ImportError as error:
        raise MissingExtraError("langchain-core", "rag") from error

    class HybridRetriever(BaseRetriever):
        """Vectors and BM25 as a LangChain retriever: `invoke(query)` gives LangChain documents."""

        finder: Any

        def prepare(self) -> None:
            """Build and save the word index."""
            self.finder.prepare()

        def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
            """Return for each query its hits, best first; `k` overrides the recipe's."""
            hits: list[list[Hit]] = self.finder.search(queries, k)
            return hits

        def _get_relevant_documents(
            self,
            query: str,
            *,
            run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002
        ) -> list[LangChainDocument]:
            return [
                LangChainDocument(page_content=hit.chunk.text, metadata=_metadata(hit))
                for hit in self.finder.filtered(query)
            ]

    return HybridRetriever


def hybrid_retriever(options: HybridOptions, context: RetrieverContext) -> Retriever:
    """Build the retriever."""
    built: Retriever = retriever_class()(finder=HybridSearch(options, context))
    return built


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
