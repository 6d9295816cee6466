"""The built-in retriever `dense`: the chunks whose vectors are nearest to the question's."""

from __future__ import annotations

from collections.abc import Callable

from loresmith.hooks import hookimpl
from loresmith.specs import Retriever, RetrieverContext, RetrieverSpec
from loresmith_plugins.retrievers.options import RetrieverOptions


class DenseOptions(RetrieverOptions):
    """Options of retriever `dense`; its score, and so its floor, is the cosine similarity."""


def _build(options: DenseOptions, context: RetrieverContext) -> Retriever:
    from loresmith_plugins.retrievers.dense.retriever import DenseFinder
    from loresmith_plugins.retrievers.finder import as_retriever

    return as_retriever(DenseFinder(options, context))


@hookimpl
def register_retrievers(register: Callable[[RetrieverSpec], None]) -> None:
    """Register `dense`."""
    register(
        RetrieverSpec(
            name="dense", summary="Vectors alone: chunks that mean the same", options=DenseOptions, build=_build
        )
    )
