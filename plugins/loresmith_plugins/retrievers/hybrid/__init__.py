"""The built-in retriever `hybrid`: meaning (vectors) and words (BM25), fused by reciprocal rank."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from pydantic import Field, model_validator

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import Retriever, RetrieverContext, RetrieverSpec


class HybridOptions(Options):
    """Options of retriever `hybrid`."""

    k: int = Field(default=4, ge=1, le=1000, description="Chunks for a question")
    candidates: int = Field(default=50, ge=1, le=10_000, description="Chunks each way puts forward")
    rrf_k: float = Field(
        default=60, ge=0, le=1000, description="Constant of the fusion; larger counts ranks more evenly"
    )
    dense: float = Field(default=1, ge=0, le=100, description="Weight of the vectors")
    bm25: float = Field(default=1, ge=0, le=100, description="Weight of the words")

    @model_validator(mode="after")
    def _one_way_counts(self) -> Self:
        if not self.dense and not self.bm25:
            raise ValueError("dense and bm25 are both 0, so nothing would be found")
        return self


def _build(options: HybridOptions, context: RetrieverContext) -> Retriever:
    from loresmith_plugins.retrievers.hybrid.retriever import hybrid_retriever

    return hybrid_retriever(options, context)


@hookimpl
def register_retrievers(register: Callable[[RetrieverSpec], None]) -> None:
    """Register `hybrid`."""
    register(
        RetrieverSpec(
            name="hybrid",
            summary="Vectors and BM25, fused by reciprocal rank",
            options=HybridOptions,
            build=_build,
        )
    )
