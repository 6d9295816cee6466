"""The built-in retriever `hybrid`: meaning (vectors) and words (BM25), fused by their scores or by their ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from loresmith.hooks import hookimpl
from loresmith.specs import Retriever, RetrieverContext, RetrieverSpec
from loresmith_plugins.retrievers.options import RetrieverOptions


class HybridOptions(RetrieverOptions):
    """Options of retriever `hybrid`; its score, and so its floor, is in standard deviations above the mean chunk."""

    fusion: Literal["scores", "ranks"] = Field(
        default="scores", description="What is fused: scores in standard deviations, or ranks (reciprocal rank fusion)"
    )
    rrf_k: float = Field(
        default=60, ge=0, le=1000, description="Constant of fusion by ranks; larger counts ranks more evenly"
    )
    dense: float = Field(default=1, ge=0, le=100, description="Weight of the vectors")
    bm25: float = Field(default=1, ge=0, le=100, description="Weight of the words")

    @model_validator(mode="before")
    @classmethod
    def _its_constant_means_ranks(cls, values: Any) -> Any:
        # So that recipes written, and runs kept, when there was no other fusion find what they found then.
        if isinstance(values, Mapping) and "rrf_k" in values and "fusion" not in values:
            return {**values, "fusion": "ranks"}
        return values

    @model_validator(mode="after")
    def _one_way_counts(self) -> Self:
        if not self.dense and not self.bm25:
            raise ValueError("dense and bm25 are both 0, so nothing would be found")
        return self

    @model_validator(mode="after")
    def _floor_is_of_scores(self) -> Self:
        if self.floor is not None and self.fusion == "ranks":
            raise ValueError("floor needs fusion: scores, for ranks do not say how well a chunk fits")
        return self


def _build(options: HybridOptions, context: RetrieverContext) -> Retriever:
    from loresmith_plugins.retrievers.finder import as_retriever
    from loresmith_plugins.retrievers.hybrid.retriever import HybridFinder

    return as_retriever(HybridFinder(options, context))


@hookimpl
def register_retrievers(register: Callable[[RetrieverSpec], None]) -> None:
    """Register `hybrid`."""
    register(
        RetrieverSpec(
            name="hybrid", summary="Vectors and BM25, fused by score or by rank", options=HybridOptions, build=_build
        )
    )
