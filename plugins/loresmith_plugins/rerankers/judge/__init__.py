"""The built-in reranker `judge`: the assistant's engine says yes or no."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from loresmith.hooks import hookimpl
from loresmith.specs import Reranker, RerankerContext, RerankerSpec
from loresmith_plugins.rerankers.options import RerankerOptions


class JudgeOptions(RerankerOptions):
    """Options of reranker `judge`."""

    candidates: int = Field(default=8, ge=1, le=1000, description="Hits it looks at; the rest is left out")
    question: str = Field(
        default="Does this passage help to answer the question? Reply yes or no.",
        min_length=1,
        description="What it is asked of each passage; its reply is yes or no",
    )


def _build(options: JudgeOptions, context: RerankerContext) -> Reranker:
    from loresmith_plugins.rerankers.judge.reranker import Judge

    return Judge(context.engine, options.question)


@hookimpl
def register_rerankers(register: Callable[[RerankerSpec], None]) -> None:
    """Register `judge`."""
    register(
        RerankerSpec(
            name="judge",
            summary="The assistant's engine, asked of each passage whether it helps",
            options=JudgeOptions,
            build=_build,
        )
    )
