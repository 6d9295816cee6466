"""Checks a reply sentence by sentence before it is shown: what it cites must say what it claims.

A citation that fails is repaired where another passage of the prompt says it; a claim that cites nothing gets the mark
of a passage that says it. What is left is marked as unsupported, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from loresmith.assistant.citations import marked, marks, without_marks
from loresmith.evidence.names import names
from loresmith.evidence.quantities import quantities
from loresmith.evidence.sentences import sentences
from loresmith.evidence.stems import content
from loresmith.evidence.support import Passage, Support, support
from loresmith.values import Chunk, Citation

_COURTESY = re.compile(
    r"^\W*(?:hello|hi|good (?:day|morning|afternoon|evening)|thanks?|thank you|you(?:'|’)?(?: a)?re welcome|sorry|"
    r"i(?:'m| am) (?:sorry|glad|happy)|please let me know|let me know|of course|sure|certainly|bon voyage)\b",
    re.IGNORECASE,
)


# What breaks off in the middle says nothing yet.
_FINAL = re.compile(r"[.!?…:;。！？][\"'”’)\]]*$")


@dataclass(frozen=True, slots=True)
class Checked:
    """A reply after the check.

    Args:
        text: The reply with the marks that hold, and those that nothing could repair.
        citations: What its marks stand for, each with why it is unsupported.
        checks: For each sentence that claims something, what was found.
    """

    text: str
    citations: list[Citation]
    checks: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Sentence:
    claim: str
    numbers: tuple[int, ...]
    found: Support
    repair: str


def claims(sentence: str) -> bool:
    """Whether a sentence claims something that a passage could say: no question, no courtesy, no bare `Yes.`."""
    bare = without_marks(sentence).strip()
    if bare.endswith("?") or _COURTESY.match(bare):
        return False
    return len(content(bare)) >= 2 or bool(quantities(bare))


def checked(reply: str, passages: Sequence[Chunk], given: str) -> Checked:
    """Return a reply whose every citation was checked.

    Args:
        reply: The reply, with marks or without.
        passages: The passages in the order of the prompt.
        given: What the user said, whose numbers and names a reply may take up.
    """
    texts = [Passage(chunk.text, chunk.place) for chunk in passages]
    known = {name.stem for text in texts for name in _names_of(text.text)}
    done = reply
    citations: dict[tuple[int, int], Citation] = {}
    checks: list[dict[str, Any]] = []
    for start, end in reversed(sentences(reply)):
        sentence = reply[start:end]
        cited = tuple(dict.fromkeys(n for n in marks(sentence) if 1 <= n <= len(texts)))
        ended = _FINAL.search(without_marks(sentence))
        if not marks(sentence) and not (ended and claims(sentence)):
            continue
        result = _examined(without_marks(sentence), cited, texts, given, known)
        done = done[:start] + marked(sentence, result.numbers) + done[end:]
        of_sentence = [_citation(n, result, texts, passages, given) for n in result.numbers]
        checks.insert(0, _told(result, cited, of_sentence))
        citations = _merged(of_sentence, citations)
    return Checked(done, list(citations.values()), checks)


def _names_of(text: str) -> list[Any]:
    return [name for start, end in sentences(text) for name in names(text[start:end])]


def _examined(claim: str, cited: tuple[int, ...], texts: Sequence[Passage], given: str, known: set[str]) -> _Sentence:
    """Check a claim against what it cites; if that fails, against the others."""

    def tried(numbers: Sequence[int]) -> Support:
        return support(claim, [texts[n - 1] for n in numbers], given, known)

    found = tried(cited)
    if cited and found.supported:
        needed = _needed(cited, tried)
        return _Sentence(claim, needed, tried(needed), "" if needed == cited else "a mark that said nothing was taken")
    alone = [(tried([n]), n) for n in range(1, len(texts) + 1) if (n,) != cited]
    able = [(other.share, -n) for other, n in alone if other.supported]
    if able:
        n = -max(able)[1]
        return _Sentence(
            claim, (n,), tried([n]), f"cited {_listed(cited)}, [{n}] says it" if cited else f"[{n}] says it"
        )
    for _, n in alone if cited else ():
        if n not in cited and (both := tried([*cited, n])).supported:
            return _Sentence(claim, (*cited, n), both, f"[{n}] says the rest of it")
    return _Sentence(claim, cited, found if cited else replace(found, why="no passage says it"), "")


def _needed(cited: tuple[int, ...], tried: Any) -> tuple[int, ...]:
    """Leave out the marks of passages that add nothing: the sentence stands without them, and not on them."""
    kept = list(cited)
    for n in cited:
        rest = [m for m in kept if m != n]
        if rest and not tried([n]).supported and tried(rest).supported:
            kept = rest
    return tuple(kept)


def _citation(n: int, sentence: _Sentence, texts: Sequence[Passage], passages: Sequence[Chunk], given: str) -> Citation:
    chunk = passages[n - 1]
    place = support(sentence.claim, [texts[n - 1]], given)
    return Citation(
        n=n,
        document=chunk.document,
        start=chunk.start + place.start,
        end=chunk.start + place.end,
        quote=chunk.text[place.start : place.end],
        supported=sentence.found.supported,
        why=sentence.found.why,
    )


def _told(sentence: _Sentence, cited: Sequence[int], citations: Sequence[Citation]) -> dict[str, Any]:
    return {
        "sentence": sentence.claim,
        "cited": list(cited),
        "marks": list(sentence.numbers),
        "supported": sentence.found.supported and bool(citations),
        "why": sentence.found.why,
        "repair": sentence.repair,
        "told": bool(quantities(sentence.claim) or names(sentence.claim)),
        "quotes": [{"n": c.n, "start": c.start, "end": c.end, "quote": c.quote} for c in citations],
    }


def _merged(found: Sequence[Citation], later: dict[tuple[int, int], Citation]) -> dict[tuple[int, int], Citation]:
    """Put a sentence's citations before those behind it; a quote that one of them misuses is unsupported."""
    merged: dict[tuple[int, int], Citation] = {}
    for citation in (*found, *later.values()):
        key = (citation.n, citation.start)
        kept = merged.setdefault(key, citation)
        if not citation.supported:
            merged[key] = replace(kept, supported=False, why=kept.why or citation.why)
    return merged


def _listed(numbers: Sequence[int]) -> str:
    return "".join(f"[{n}]" for n in numbers)
