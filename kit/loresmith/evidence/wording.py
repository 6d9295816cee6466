"""Wordings that repeat a passage and still do not say what it says: sewn pieces, and a `not` more or less."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from loresmith.evidence.quantities import Quantity
from loresmith.evidence.statements import Statement
from loresmith.evidence.stems import Word, tells

RUN = 3
"""Words in a row, one of which says something, from which a piece is taken over as it stands."""
VERBATIM = 0.85
"""Share of a claim's words from which it repeats a passage."""
WHOLLY = 0.95
"""Share of a claim's words from which it is made of pieces and nothing else."""
QUOTED = 0.35
"""Share of a claim's words that one piece must have for the claim to count as a quotation."""
REST = 0.25
"""Share of the telling words in the rest of a quotation up to which that rest is nowhere."""
_ANSWERS = re.compile(r"\W*(?:no|yes)\s*[,.;:!–—-]", re.IGNORECASE)
NEGATIONS = frozenset({"not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot"})
JOINTS = frozenset({
    "and", "but", "or", "because", "while", "so", "as", "since", "which", "who", "that", "when", "where", "if",
    "though", "although", "unless", "until", "than", "whereas", "before", "after", "however", "then", "also", "nor",
    "for",
})  # fmt: skip
"""Words with which an honest sentence joins what two statements say."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a claim, in words, that stands as it is in a statement."""

    start: int
    end: int
    statement: int


def half_quoted(words: Sequence[Word], numbers: Sequence[Quantity], statements: Sequence[Statement]) -> bool:
    """Whether a claim begins or ends with a good part of a statement, and the rest of it is nowhere."""
    there = {word.stem for statement in statements for word in statement.words}
    there |= {stem for statement in statements for stem in statement.stems}
    for piece in _pieces(words, statements):
        rest = [*words[: piece.start], *words[piece.end :]]
        telling = [word for word in rest if tells(word) and not any(n.start <= word.start < n.end for n in numbers)]
        long = piece.end - piece.start > RUN and piece.end - piece.start >= QUOTED * len(words)
        at_border = piece.start == 0 or piece.end == len(words)
        if long and at_border and len(telling) >= 2:
            return sum(word.stem in there for word in telling) <= REST * len(telling)
    return False


def sewn(claim: str, words: Sequence[Word], statements: Sequence[Statement]) -> bool:
    """Whether a claim is made of pieces of several statements, put together where no joint is."""
    pieces = _pieces(words, statements)
    taken = sum(piece.end - piece.start for piece in pieces)
    if len(pieces) < 2 or taken < WHOLLY * len(words):
        return False
    if max(_overlap(words, statement) for statement in statements) >= VERBATIM:
        return False
    return any(
        one.end == other.start and one.statement != other.statement and not _joint(claim, words, other.start)
        for one, other in pairwise(pieces)
    )


def opposite(claim: str, words: Sequence[Word], statements: Sequence[Statement]) -> bool:
    """Whether the statement that a claim repeats nearly word for word has a negation more or less."""
    said = words[1:] if _ANSWERS.match(claim) else words
    stems = {word.stem for word in said if tells(word)}
    alike = [s for s in statements if len(stems & s.stems) >= VERBATIM * max(len(stems), len(s.stems))]
    turned = [_negations(said) % 2 != _negations(_common(said, statement)) % 2 for statement in alike]
    return len(stems) >= 3 and bool(turned) and all(turned)


def _common(words: Sequence[Word], statement: Statement) -> Sequence[Word]:
    """Return the words of a statement up to where it says more than the claim: what it adds is not turned round."""
    stems = {word.stem for word in words}
    last = max((i for i, word in enumerate(statement.words) if word.stem in stems and tells(word)), default=-1)
    more = (i for i, word in enumerate(statement.words) if i > last and tells(word))
    return statement.words[: next(more, len(statement.words))]


def _joint(claim: str, words: Sequence[Word], at: int) -> bool:
    between = claim[words[at - 1].end : words[at].start]
    return bool(set(between) & set(",;:–—().")) or words[at].text.casefold() in JOINTS


def _negations(words: Sequence[Word]) -> int:
    return sum(word.text.casefold().replace("’", "'").endswith("n't") or word.stem in NEGATIONS for word in words)


def _overlap(words: Sequence[Word], statement: Statement) -> float:
    there = {word.stem for word in statement.words}
    return sum(word.stem in there for word in words) / len(words) if words else 0.0


def _pieces(words: Sequence[Word], statements: Sequence[Statement]) -> list[Piece]:
    """Cut a claim greedily into the longest pieces that stand in some statement."""
    texts = [word.text.casefold() for word in words]
    there = [[word.text.casefold() for word in statement.words] for statement in statements]
    pieces, at = [], 0
    while at < len(words):
        length, where = max(((_longest(texts, at, said), -i) for i, said in enumerate(there)), default=(0, 0))
        if length >= RUN and any(map(tells, words[at : at + length])):
            pieces.append(Piece(at, at + length, -where))
            at += length
        else:
            at += 1
    return pieces


def _longest(texts: Sequence[str], at: int, said: Sequence[str]) -> int:
    best = 0
    for start, text in enumerate(said):
        length = 0
        if text == texts[at]:
            left = min(len(texts) - at, len(said) - start)
            while length < left and texts[at + length] == said[start + length]:
                length += 1
        best = max(best, length)
    return best
