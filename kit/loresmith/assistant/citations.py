"""Citations: the marks `[n]` of a reply, and the sentences of the documents they stand for."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from loresmith.evidence.sentences import MARK, sentences
from loresmith.evidence.support import Passage, support
from loresmith.values import Chunk, Citation, Hit
from loresmith.words import words

UNCHECKED = "not checked"
"""Why a citation that nobody checked is not called supported."""

MARKED_SHARE = 0.6
"""Share from which a sentence of a training reply gets a mark; stricter, for a wrong mark would be learnt."""

# A mark stands apart from the word before it: `items[1]` in an answer about code is no citation.
_MARK = re.compile(rf"(?<![\w)\]]){MARK}(?:[ \t]*{MARK})*(?!\()")
_GONE = re.compile(
    rf"[ \t]*\({_MARK.pattern}\)|^{_MARK.pattern}[ \t]*|[ \t]*{_MARK.pattern}(?:[ \t]+(?=[.,;:!?]))?", re.MULTILINE
)
_FINAL = re.compile(r"""[ \t]*[.!?…:;。！？]+["'”’)\]]*$""")
_COMMON = frozenset(
    words(
        "a an and are as at be but by can did do does for from had has have i if in is it its may must no not of on or "
        "our so than that the their them then there these they this to us was we were what when which who will with "
        "yes you your"
    )
)


def chunk_of(passage: Hit | Chunk) -> Chunk:
    """Return the chunk of a hit, or the chunk itself."""
    return passage.chunk if isinstance(passage, Hit) else passage


def marks(text: str) -> list[int]:
    """Return the numbers of all marks, in order, repetitions kept."""
    return [int(n) for run in _MARK.findall(text) for n in re.findall(r"\d+", run)]


def without_marks(text: str) -> str:
    """Return the text without marks, and without the space before them."""
    return _GONE.sub("", text).strip()


def cite(text: str, passages: Sequence[Hit] | Sequence[Chunk]) -> list[Citation]:
    """Resolve the marks of a reply to sentences of the documents, in the order they appear; nothing is checked.

    A citation quotes the sentence of the passage that shares most with the sentence which cites it; the span counts in
    characters of the document. A mark that is no passage's number is passed over; the same quote is given once.
    """
    chunks = [chunk_of(passage) for passage in passages]
    found: dict[tuple[int, int], Citation] = {}
    for start, end in sentences(text):
        claim = without_marks(text[start:end])
        for n in marks(text[start:end]):
            if 1 <= n <= len(chunks):
                citation = _citation(n, claim, chunks[n - 1])
                found.setdefault((n, citation.start), citation)
    return list(found.values())


def support_share(claim: str, chunk: Chunk) -> float:
    """Return the share of the content words of `claim` that are in the chunk or its title."""
    wanted = _content(claim)
    return len(wanted & _all_words(chunk)) / len(wanted) if wanted else 0.0


def marked(sentence: str, numbers: Sequence[int]) -> str:
    """Return a sentence that carries these marks before its full stop, and no others."""
    bare = without_marks(sentence)
    at = _before_stop(bare, 0, len(bare))
    return bare[:at] + (" " if numbers else "") + "".join(f"[{n}]" for n in numbers) + bare[at:]


def with_marks(reply: str, passages: Sequence[Hit] | Sequence[Chunk], documents: Collection[str] = ()) -> str:
    """Return a training reply with a mark in each sentence that a passage supports, at least in the best one.

    The mark stands before the full stop (`9.40 marks [1].`): a small model ends its turn by habit after a full stop,
    and would leave out what comes behind it; and a mark inside the sentence cannot be taken for the next one's.

    Args:
        reply: The reply; marks in it are taken out first.
        passages: The passages in the order of the prompt.
        documents: Only passages of these are cited; all if empty. Keeps distractors from being cited.
    """
    reply = without_marks(reply)
    choices = [(n, c) for n, c in enumerate(map(chunk_of, passages), 1) if not documents or c.document in documents]
    spans = sentences(reply)
    best = [max(((support_share(reply[a:b], c), -n) for n, c in choices), default=(0.0, 0)) for a, b in spans]
    highest = max((share for share, _ in best), default=0.0)
    for (start, end), (share, n) in zip(reversed(spans), reversed(best), strict=True):
        if share > 0 and (share >= MARKED_SHARE or share == highest):
            at = _before_stop(reply, start, end)
            reply = f"{reply[:at]} [{-n}]{reply[at:]}"
    return reply


def _before_stop(text: str, start: int, end: int) -> int:
    final = _FINAL.search(text[start:end])
    return start + final.start() if final else end


def _citation(n: int, claim: str, chunk: Chunk) -> Citation:
    place = support(claim, [Passage(chunk.text, chunk.place)])
    start, end = chunk.start + place.start, chunk.start + place.end
    return Citation(n, chunk.document, start, end, chunk.text[place.start : place.end], supported=False, why=UNCHECKED)


def _all_words(chunk: Chunk) -> set[str]:
    return set(words(f"{chunk.title}\n{chunk.text}"))


def _content(text: str) -> set[str]:
    return {word for word in words(text) if word not in _COMMON}
