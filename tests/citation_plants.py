"""Right citations of the sample domain, and wrong ones planted in them by a seed: what the check is measured on."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loresmith.assistant.citations import marks, with_marks, without_marks
from loresmith.evidence.quantities import Quantity, quantities
from loresmith.evidence.sentences import sentences
from loresmith.evidence.support import Passage, support
from loresmith.values import Chunk, Document, Example
from loresmith_plugins.chunkers.recursive import RecursiveChunker, RecursiveOptions
from loresmith_plugins.sources.jsonl import JsonlOptions, JsonlSource

SAMPLE = Path(__file__).parents[1] / "recipes" / "harbour-desk"
SIZE = 320
"""Characters of a passage in the sample's recipe."""
MOST = 3
"""Passages that one sentence may cite."""


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, the passages it cites, and what the user said."""

    claim: str
    passages: tuple[Passage, ...]
    document: str
    given: str = ""

    @property
    def flagged(self) -> bool:
        return not support(self.claim, self.passages, self.given).supported


@dataclass(frozen=True)
class Domain:
    """The sample's documents cut into passages, and its examples.

    Args:
        whole: Cite whole documents in place of passages: harder, for a document has many numbers.
    """

    documents: dict[str, Document]
    passages: dict[str, list[Chunk]]
    examples: list[Example]

    @classmethod
    def read(cls, *, whole: bool = False, root: Path = SAMPLE) -> Domain:
        texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((root / "docs").glob("*.md"))}
        documents = {name: Document(name, text, text.splitlines()[0].lstrip("# ")) for name, text in texts.items()}
        chunker = RecursiveChunker(RecursiveOptions(size=SIZE, overlap=0))
        cut = {
            name: [Chunk(name, name, 0, len(d.text), d.text, d.title)] if whole else chunker.split(d)
            for name, d in documents.items()
        }
        examples = JsonlSource(JsonlOptions(path="data/examples.jsonl"), root).read("examples")
        return cls(documents, cut, [each for each in examples if isinstance(each, Example)])

    def gold(self, every: int = 1) -> Iterator[Case]:
        """Yield the sentences of every so many wanted replies that would carry a mark, citing what grounds them."""
        for example in self.examples[::every]:
            if not example.answerable:
                continue
            given = "\n".join(m["content"] for m in example.prompt)
            chunks = [chunk for name in example.grounding for chunk in self.passages[name]]
            marked = with_marks(example.reply, chunks)
            for start, end in sentences(marked):
                if marks(marked[start:end]):
                    claim = without_marks(marked[start:end])
                    yield Case(claim, _grounds(claim, chunks), example.grounding[0], given)

    def verbatim(self) -> Iterator[Case]:
        """Yield the sentences of the documents as they stand."""
        for name, chunks in self.passages.items():
            for chunk in chunks:
                for start, end in sentences(chunk.text):
                    claim = chunk.text[start:end]
                    if not claim.startswith("|") and len(claim.split()) > 7:
                        yield Case(claim, (_passage(chunk),), name)


def _passage(chunk: Chunk) -> Passage:
    return Passage(chunk.text, chunk.title)


def _grounds(claim: str, chunks: Sequence[Chunk]) -> tuple[Passage, ...]:
    """Return the passages that together have most of the claim's words and numbers, each adding some."""
    left = set(re.findall(r"\w[\w.:]*\w|\w", claim.casefold()))
    chosen: list[Chunk] = []
    while len(chosen) < MOST:
        gains = [len(left & set(re.findall(r"\w[\w.:]*\w|\w", f"{c.title} {c.text}".casefold()))) for c in chunks]
        best = max(range(len(chunks)), key=gains.__getitem__)
        if not gains[best] or chunks[best] in chosen:
            break
        chosen.append(chunks[best])
        left -= set(re.findall(r"\w[\w.:]*\w|\w", f"{chunks[best].title} {chunks[best].text}".casefold()))
    return tuple(map(_passage, chosen))


# ------------------------------------------------------------------------------------------------------ other words

_WORDINGS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\b(\d+)\.(\d)0 marks", r"\1.\2 marks"),
    (r"(\d) %", r"\1 percent"),
    (r"\b(\d{1,2}) (May|June|July|March|October|November|September) (\d{4})", r"\2 \1, \3"),
    (r"\b0(\d):00\b", r"\1 am"),
    (r"\bten minutes\b|\b10 minutes\b", "10 min"),
    (r"\bpassengers\b", "travellers"),
    (r"\bcosts\b", "is"),
    (r"\bmust be\b", "has to be"),
    (r"\bis not\b", "isn't"),
    (r"\bmay not\b", "must not"),
    (r"\bbecause\b", "as"),
    (r"\bat no charge\b", "free of charge"),
    (r"\b24 hours\b", "24 h"),
)


def paraphrased(case: Case) -> Case | None:
    """Return a case in other words and other ways to write numbers, or None where nothing could be changed."""
    claim = case.claim
    for pattern, instead in _WORDINGS:
        claim = re.sub(pattern, instead, claim)
    opening, comma, rest = claim.partition(", ")
    if comma and len(opening.split()) > 6 and len(rest.split()) < 8 and not rest[:1].isdigit():
        claim = f"{opening}."
    return replace(case, claim=claim) if claim != case.claim else None


# ------------------------------------------------------------------------------------------------------------ plants


def other_document(case: Case, domain: Domain, chance: random.Random) -> Case | None:
    """Return a case that cites a passage of another document."""
    chunk = chance.choice(domain.passages[chance.choice([d for d in domain.passages if d != case.document])])
    return replace(case, passages=(_passage(chunk),))


def altered_number(case: Case, _domain: Domain, chance: random.Random) -> Case | None:
    """Return a case one of whose numbers, amounts or times is another."""
    return _altered(case, chance, lambda q: q.moment is None or not q.moment.dates)


def altered_date(case: Case, _domain: Domain, chance: random.Random) -> Case | None:
    """Return a case one of whose dates is another."""
    return _altered(case, chance, lambda q: q.moment is not None and bool(q.moment.dates))


def _altered(case: Case, chance: random.Random, wanted: Callable[[Quantity], bool]) -> Case | None:
    found = [q for q in quantities(case.claim) if wanted(q) and re.search(r"\d", q.text)]
    if not found:
        return None
    quantity = chance.choice(found)
    digits = chance.choice(list(re.finditer(r"\d+", quantity.text)))
    old, top = int(digits[0]), 28 if quantity.moment and len(digits[0]) < 4 else 10 ** len(digits[0]) - 1
    new = chance.choice([n for n in range(max(1, old - 3), old + 11) if n != old and (n <= top or old > top)])
    written = str(new).zfill(len(digits[0])) if digits[0].startswith("0") else str(new)
    text = quantity.text[: digits.start()] + written + quantity.text[digits.end() :]
    return replace(case, claim=case.claim[: quantity.start] + text + case.claim[quantity.end :])


def stitched(case: Case, domain: Domain, chance: random.Random) -> Case | None:
    """Return a case whose quote is put together from the halves of two sentences, of one document or of two."""
    document = chance.choice(list(domain.passages))
    other = document if chance.random() < 0.5 else chance.choice(list(domain.passages))
    one, two = chance.choice(domain.passages[document]), chance.choice(domain.passages[other])
    first, second = (_prose(chunk, chance) for chunk in (one, two))
    if not first or not second or first == second:
        return None
    claim = " ".join([*first[: max(4, len(first) // 2)], *second[-max(4, len(second) // 2) :]])
    passages = tuple(dict.fromkeys(map(_passage, (one, two))))
    return Case(claim, passages if chance.random() < 0.5 else passages[:1], document)


def _prose(chunk: Chunk, chance: random.Random) -> list[str]:
    found = [chunk.text[a:b] for a, b in sentences(chunk.text) if not chunk.text[a:b].startswith("|")]
    long = [text.split() for text in found if len(text.split()) > 7]
    return chance.choice(long) if long else []


PLANTS: dict[str, Callable[[Case, Domain, random.Random], Case | None]] = {
    "other document": other_document,
    "altered number": altered_number,
    "altered date": altered_date,
    "stitched quote": stitched,
}
