"""Which examples ask the same thing: equal questions, and nearly equal ones.

Two questions are nearly equal when they share four fifths of their five-character shingles (Jaccard). Pairs are found
by a set-similarity join with prefix filter (Chaudhuri et al. 2006; Bayardo et al. 2007): rare shingles first, so that
only questions which can reach the threshold are ever compared; of these most are told apart by a bitmap of their
shingles (Sandes et al. 2020), for questions that are made after one pattern share the rare ones too.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from loresmith.values import Example
from loresmith.words import words

SHINGLE = 5
THRESHOLD = 0.8
BITS = 1024
"""Bits of the bitmap that stands for a set of shingles."""
SHORTEST = 24
"""Characters below which a question is compared for equality only: in short ones a single word is the difference."""


@dataclass(frozen=True, slots=True)
class Twins:
    """Who asks what.

    Args:
        asked: Question, normalised, to the positions of the examples that ask it.
        near: Pairs of keys of `asked` that are nearly equal.
    """

    asked: dict[str, tuple[int, ...]]
    near: tuple[tuple[str, str], ...]


def find_twins(examples: Sequence[Example]) -> Twins:
    """Return which of the examples ask the same, equal or nearly equal."""
    asked: dict[str, list[int]] = defaultdict(list)
    for position, example in enumerate(examples):
        for question in _questions(example):
            asked[question].append(position)
    return Twins({q: tuple(p) for q, p in asked.items()}, _near_pairs(tuple(sorted(asked))))


@lru_cache(maxsize=4)
def _near_pairs(texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of `near_pairs`; a split and the check of it ask for the same ones."""
    return tuple(near_pairs(texts))


def near_pairs(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of distinct texts whose shingles overlap by `THRESHOLD` or more."""
    shingled = {text: _shingles(text) for text in dict.fromkeys(texts) if len(text) >= SHORTEST}
    bitmaps = {text: _bitmap(shingles) for text, shingles in shingled.items()}
    common = Counter(shingle for shingles in shingled.values() for shingle in shingles)
    holders: dict[str, list[str]] = defaultdict(list)
    for text in sorted(shingled, key=lambda text: (len(shingled[text]), text)):
        mine, bits = shingled[text], bitmaps[text]
        prefix, size = _prefix(mine, common), len(mine)
        seen = {other for shingle in prefix for other in holders[shingle]}
        close = [other for other in seen if (bitmaps[other] ^ bits).bit_count() <= _apart(len(shingled[other]) + size)]
        yield from ((other, text) for other in sorted(close) if _overlap(shingled[other], mine) >= THRESHOLD)
        for shingle in prefix:
            holders[shingle].append(text)


def _questions(example: Example) -> dict[str, None]:
    # The turns of a conversation are learnt one by one: each is a question of its own, with all that was said before.
    said = [message["content"] for message in example.prompt if message["role"] == "user"]
    starts = (" ".join(words(" ".join(said[:end]))) for end in range(1, len(said)))
    return dict.fromkeys([*(s for s in starts if len(s) >= SHORTEST), " ".join(words(" ".join(said)))])


def _shingles(text: str) -> frozenset[str]:
    return frozenset(text[start : start + SHINGLE] for start in range(max(1, len(text) - SHINGLE + 1)))


def _prefix(shingles: frozenset[str], common: Counter[str]) -> list[str]:
    # Two sets with Jaccard >= t share at least one of the rarest (1 - t) of each, in one fixed order.
    rarest = sorted(shingles, key=lambda shingle: (common[shingle], shingle))
    return rarest[: len(rarest) - math.ceil(THRESHOLD * len(rarest)) + 1]


def _bitmap(shingles: frozenset[str]) -> int:
    # Each shingle turns one bit over: two sets differ in at least as many shingles as their bitmaps in bits.
    bits = 0
    for shingle in shingles:
        bits ^= 1 << hash(shingle) % BITS
    return bits


@cache
def _apart(sizes: int) -> float:
    """Return in how many shingles two sets of so many in all may differ, and still have a Jaccard of the threshold."""
    return sizes * (1 - THRESHOLD) / (1 + THRESHOLD) + 1e-9


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
