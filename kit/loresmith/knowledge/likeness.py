"""Near-duplicates among hits: the same text from two documents tells a reader, and a model, nothing the second time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from loresmith.values import Chunk
from loresmith.words import words

SHINGLE = 3
"""Words of a shingle."""

THRESHOLD = 0.85
"""Share of a text's shingles that a better hit must have for the text to be left out."""


KEPT = 4096
"""Texts whose shingles are remembered: many questions find the same chunks."""


def twin_of(chunk: Chunk, others: Sequence[Chunk]) -> Chunk | None:
    """Return the first of the others that says nearly all that the chunk says, or None."""
    own = _shingles(chunk.text)
    return next((other for other in others if _same_place(chunk, other) or _alike(own, _shingles(other.text))), None)


def _same_place(one: Chunk, other: Chunk) -> bool:
    return one.document == other.document and one.start >= other.start and one.end <= other.end


def _alike(own: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> bool:
    """Whether nearly all of the first is in the second, which may say more."""
    return bool(own) and len(own & other) >= THRESHOLD * len(own)


@lru_cache(KEPT)
def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    said = words(text)
    return frozenset(tuple(said[start : start + SHINGLE]) for start in range(max(1, len(said) - SHINGLE + 1)))
