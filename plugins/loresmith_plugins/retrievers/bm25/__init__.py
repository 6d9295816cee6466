"""The built-in retriever `bm25`: the chunks that share the question's words; needs no embedding model to search."""

from __future__ import annotations

from collections.abc import Callable

from loresmith.hooks import hookimpl
from loresmith.specs import Retriever, RetrieverContext, RetrieverSpec
from loresmith_plugins.retrievers.options import RetrieverOptions


class BM25Options(RetrieverOptions):
    """Options of retriever `bm25`; its score, and so its floor, is BM25's."""


def _build(options: BM25Options, context: RetrieverContext) -> Retriever:
    from loresmith_plugins.retrievers.bm25.retriever import BM25Finder
    from loresmith_plugins.retrievers.finder import as_retriever

    return as_retriever(BM25Finder(options, context))


@hookimpl
def register_retrievers(register: Callable[[RetrieverSpec], None]) -> None:
    """Register `bm25`."""
    register(
        RetrieverSpec(name="bm25", summary="BM25 alone: chunks that say the same", options=BM25Options, build=_build)
    )
