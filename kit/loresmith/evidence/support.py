"""Do passages say what a sentence claims? Told from words, numbers, dates and names alone, without a model.

A claim is supported if the passages have enough of its words, each of its numbers and dates where they speak of the
same thing, each of its names, and do not say the opposite; and if it is not sewn together from pieces of statements
that do not belong together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import log

from loresmith.evidence.arithmetic import follows
from loresmith.evidence.names import name_stem, names, spoken_of
from loresmith.evidence.quantities import Quantity, comparable, quantities, same
from loresmith.evidence.statements import Statement, statements
from loresmith.evidence.stems import Word, read_words, tells
from loresmith.evidence.wording import half_quoted, opposite, sewn

SHARE = 0.28
"""Share of a claim, by rarity of its words and numbers, that two statements together must say."""
MORE = 0.1
"""How much more it must be where there are many statements, among which words meet by chance."""
MANY = 30
"""Statements from which they are many: a whole document."""
ALIKE = 0.75
"""Share of a claim's words in one statement from which that statement's number is what the claim's should be."""

# People type "20 may"; in a document "up to 20 may board" is no date.
_LOWER_MAY = re.compile(r"(\d{1,2}(?:st|nd|rd|th)?) may\b")

NEAR = 6
"""Words to either side of a number that tell most surely what it is a number of."""
AS_NEAR = 0.2
"""How like the claim a statement with its number must be, against the likest statement with another number."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that may support a claim, and the title of its document."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Support:
    """What was found.

    Args:
        passage: Position of the passage that says most of the claim.
        start: Where in its text the statement that says most begins.
        end: Where it ends.
        share: Share of the claim that the two best statements say, by rarity, 0 to 1.
        why: Why the claim is not supported; empty if it is.
    """

    passage: int
    start: int
    end: int
    share: float
    why: str = ""

    @property
    def supported(self) -> bool:
        """Whether the passages say what the sentence claims."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Said:
    """A statement, and the position of its passage."""

    passage: int
    statement: Statement


def support(claim: str, passages: Sequence[Passage], given: str = "", known: Collection[str] = ()) -> Support:
    """Return whether passages together say what a sentence claims, and which statement says most of it.

    Args:
        claim: The sentence, without marks.
        passages: What it cites.
        given: What the user said: a claim may take up its numbers and names where the passages say nothing else.
        known: Stems of names that count as such at the beginning of a sentence too.
    """
    return _Examination(claim, passages, given, known).result()


class _Examination:
    def __init__(self, claim: str, passages: Sequence[Passage], given: str, known: Collection[str]) -> None:
        self.claim, self.passages, self.given, self.known = claim, passages, given, known
        self.words = read_words(claim)
        self.numbers = quantities(claim)
        telling = [word for word in self.words if tells(word) and not self._in_a_number(word)]
        self.stems = sorted({word.stem for word in telling})
        self.given_numbers = quantities(_LOWER_MAY.sub(r"\1 May", given))
        self.said = [Said(n, s) for n, p in enumerate(passages) for s in statements(p.text, p.title)]
        self.rarity = {stem: self._weight(sum(_has(each.statement, stem) for each in self.said)) for stem in self.stems}

    def result(self) -> Support:
        if not self.said:
            return Support(0, 0, 0, 0.0, "there is no passage")
        best, share = self._best(), self._cover(2)
        place = best.statement
        return Support(best.passage, place.start, place.end, share, next(self._reasons(share), ""))

    def _reasons(self, share: float) -> Iterator[str]:
        if not self.stems:
            yield "it says nothing that could be checked"
            return
        yield from filter(None, map(self._number_fails, self.numbers))
        there = spoken_of("\n".join(f"{each.title}\n{each.text}" for each in self.passages)) | spoken_of(self.given)
        for name in names(self.claim, self.known):
            if name_stem(name) not in there:
                yield f'"{name.text}" is not in the passage'
        whole = [each.statement for each in self.said if each.statement.words]
        if share < SHARE + MORE * min(1.0, len(self.said) / MANY):
            yield "the passage speaks of something else"
        if half_quoted(self.words, self.numbers, whole):
            yield "only a part of it is in the passage"
        if sewn(self.claim, self.words, whole):
            yield "it is put together from pieces of different statements"
        if opposite(self.claim, self.words, whole):
            yield "the passage says the opposite"

    def _in_a_number(self, word: Word) -> bool:
        return any(number.start <= word.start < number.end for number in self.numbers)

    def _weight(self, statements_with: int) -> float:
        return log(1 + (len(self.said) + 1) / (statements_with + 0.5))

    def _best(self) -> Said:
        def likeness(said: Said) -> tuple[float, int]:
            numbers = sum(_gives(said.statement, number) for number in self.numbers)
            return self._likeness(said) + numbers, said.statement.start - said.statement.end

        return max(self.said, key=likeness)

    def _likeness(self, said: Said, near: Collection[str] = ()) -> float:
        statement = said.statement
        return sum(
            (1.0 if stem in statement.stems else 0.5 if stem in statement.context else 0.0)
            * self.rarity[stem]
            * (2.0 if stem in near else 1.0)
            for stem in self.stems
        )

    def _cover(self, most: int) -> float:
        """Return the share of the claim, by rarity of its words and numbers, that so many statements together say."""
        where = [{i for i, each in enumerate(self.said) if _has(each.statement, stem)} for stem in self.stems]
        where += [{i for i, each in enumerate(self.said) if _gives(each.statement, n)} for n in self.numbers]
        items = [(self._weight(len(places)), places) for places in where]
        total, covered = sum(weight for weight, _ in items), 0.0
        for _ in range(most):
            gains = [sum(weight for weight, places in items if i in places) for i in range(len(self.said))]
            best = max(range(len(gains)), key=gains.__getitem__)
            covered += gains[best]
            items = [(weight, places) for weight, places in items if best not in places]
        return covered / total if total else 0.0

    def _number_fails(self, number: Quantity) -> str:
        """Say why a number of the claim does not stand, or nothing."""
        having = [said for said in self.said if _gives(said.statement, number)]
        if not having:
            instead = self._instead(number)
            taken_up = any(same(number, other) for other in self.given_numbers)
            stands = taken_up or follows(number, [*self.numbers, *self.given_numbers])
            # A question may hold a wrong number, and a reply repeat it: "is it 9.90?" "It is 9.90."
            echoed = taken_up and instead and len(self.numbers) == 1
            return "" if stands and not echoed else f'"{number.text}" is not in the passage{instead}'
        if number.code or number.spelt:
            return ""
        near = self._near(number)
        rivals = [said for said in self.said if said not in having and self._unexplained(said, number)]
        most = max((self._likeness(said, near) for said in rivals), default=0.0)
        own = max(self._likeness(said, near) for said in having)
        return f'the passage has "{number.text}" of something else' if own < AS_NEAR * most else ""

    def _instead(self, number: Quantity) -> str:
        """Say what the passage has in a number's place, if a statement has all else that the claim says."""
        best = self._best()
        words = [stem for stem in self.stems if _has(best.statement, stem)]
        others = [other for other in best.statement.quantities if comparable(number, other)]
        others = [other for other in others if not any(same(other, n) for n in self.numbers)]
        alike = len(words) >= ALIKE * len(self.stems) and len(others) == 1
        return f', which says "{others[0].text}"' if alike else ""

    def _unexplained(self, said: Said, number: Quantity) -> bool:
        """Whether a statement has a number that could stand in this one's place and is nowhere in the claim."""
        others = [other for other in said.statement.quantities if comparable(number, other)]
        return any(not any(same(other, n) for n in self.numbers) for other in others)

    def _near(self, number: Quantity) -> set[str]:
        before = [word for word in self.words if word.end <= number.start][-NEAR:]
        behind = [word for word in self.words if word.start >= number.end][:NEAR]
        return {word.stem for word in (*before, *behind) if tells(word)}


def _has(statement: Statement, stem: str) -> bool:
    return stem in statement.stems or stem in statement.context


def _gives(statement: Statement, number: Quantity) -> bool:
    return any(same(number, other) for other in statement.quantities)
