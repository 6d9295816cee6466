"""The built-in reranker `cross-encoder`: a model that reads question and passage together."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from loresmith.hooks import hookimpl
from loresmith.specs import Reranker, RerankerContext, RerankerSpec
from loresmith_plugins.rerankers.options import RerankerOptions


class CrossEncoderOptions(RerankerOptions):
    """Options of reranker `cross-encoder`."""

    model: str = Field(
        default="cross-encoder/ms-marco-MiniLM-L6-v2",
        min_length=1,
        description="Sequence-classification model with one output: local path or hub id",
    )
    window: int = Field(default=512, ge=16, le=8192, description="Longest question and passage together, in tokens")


def _build(options: CrossEncoderOptions, context: RerankerContext) -> Reranker:
    from loresmith_plugins.rerankers.cross_encoder.reranker import CrossEncoder

    return CrossEncoder(lambda: context.model(options.model), options.window)


@hookimpl
def register_rerankers(register: Callable[[RerankerSpec], None]) -> None:
    """Register `cross-encoder`."""
    register(
        RerankerSpec(
            name="cross-encoder",
            summary="A model that reads question and passage together; slow, and the most exact",
            options=CrossEncoderOptions,
            build=_build,
        )
    )
