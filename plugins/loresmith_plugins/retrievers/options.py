"""What all retrievers of ours can be told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from loresmith.options import Options

Value = str | int | float | bool


class RetrieverOptions(Options):
    """Options that every retriever here has."""

    k: int = Field(default=4, ge=1, le=1000, description="Chunks for a question")
    candidates: int = Field(default=50, ge=1, le=10_000, description="Chunks each way puts forward")
    floor: float | None = Field(
        default=None, description="Score below which a chunk is not handed over; with none left the assistant declines"
    )
    where: dict[str, Value | Annotated[list[Value], Field(min_length=1)]] = Field(
        default={},
        description="Search only documents whose metadata has these values, or one of several; `document` is their id",
    )
    mmr: float = Field(
        default=1,
        ge=0,
        le=1,
        description="Weight of relevance against novelty (maximal marginal relevance); 1 leaves the order alone",
    )
