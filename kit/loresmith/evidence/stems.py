"""Words of a text with their places, cut down to stems so that `bookings are closed` and `booking closes` meet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "being",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "may",
        "me",
        "might",
        "more",
        "most",
        "must",
        "my",
        "no",
        "nor",
        "not",
        "of",
        "on",
        "only",
        "or",
        "our",
        "out",
        "over",
        "own",
        "per",
        "shall",
        "she",
        "should",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "too",
        "under",
        "up",
        "upon",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "whether",
        "which",
        "while",
        "who",
        "whose",
        "why",
        "will",
        "with",
        "within",
        "without",
        "would",
        "yes",
        "you",
        "your",
        "yours",
        "also",
        "about",
        "after",
        "all",
        "am",
        "any",
        "because",
        "before",
        "both",
        "down",
        "during",
        "each",
        "else",
        "ever",
        "every",
        "few",
        "here",
        "him",
        "instead",
        "it's",
        "let",
        "like",
        "much",
    ]
)
"""Words that a claim is not judged by."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("s", ""))
_VERBAL = ("ing", "ed", "ly", "er", "est")
_IRREGULAR = {
    "paid": "pay", "bought": "buy", "sold": "sell", "kept": "keep", "held": "hold", "left": "leave", "given": "give",
    "gave": "give", "taken": "take", "took": "take", "gone": "go", "went": "go", "goes": "go", "made": "make",
    "sent": "send", "met": "meet", "found": "find", "told": "tell", "said": "say", "written": "write", "wrote": "write",
    "began": "begin", "begun": "begin", "ran": "run", "run": "run", "came": "come", "brought": "bring", "lost": "lose",
    "men": "man", "women": "woman", "children": "child", "people": "person", "wives": "wife", "lives": "live",
    "halves": "half", "feet": "foot", "cheaper": "cheap", "cost": "cost", "shown": "show", "worn": "wear",
    "cannot": "can", "can't": "can", "won't": "will", "driven": "drive", "known": "know", "meant": "mean",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: as it is written, its stem, and where it stands."""

    text: str
    stem: str
    start: int
    end: int


def read_words(text: str) -> list[Word]:
    """Return the words of a text in order; a character of a script without spaces is a word of its own."""
    return list(_words(text))


def content(text: str) -> set[str]:
    """Return the stems of the words that say something, numbers left out."""
    return {word.stem for word in _words(text) if tells(word)}


def tells(word: Word) -> bool:
    """Whether a word says something: it is neither common nor a number."""
    return word.text.casefold() not in COMMON and not word.text[0].isdigit()


def _words(text: str) -> Iterator[Word]:
    for match in _WORD.finditer(text):
        if _SPACELESS.search(match[0]):
            yield from (Word(c, c, match.start() + i, match.start() + i + 1) for i, c in enumerate(match[0]))
        else:
            yield Word(match[0], stem(match[0]), match.start(), match.end())


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the stem of a word: folded, without possessive, plural and verbal endings."""
    folded = unicodedata.normalize("NFKC", word).casefold().replace("’", "'")
    folded = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    if folded in _IRREGULAR:
        return _IRREGULAR[folded]
    folded = folded.removesuffix("'s").removesuffix("'").replace("'", "")
    if len(folded) <= 3 or not folded.isalpha():
        return folded
    return _without_verbal_ending(_singular(folded))


def _singular(word: str) -> str:
    if word.endswith(("ss", "us", "is")):
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            return word.removesuffix(ending) + instead
    return word


def _without_verbal_ending(word: str) -> str:
    for ending in _VERBAL:
        root = word.removesuffix(ending)
        if root != word and len(root) >= 3 and any(c in "aeiouy" for c in root):
            doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "aeiouls"
            return _without_silent(root[:-1] if doubled else root)
    return _without_silent(word)


def _without_silent(word: str) -> str:
    if word.endswith("i") and len(word) > 3:
        return f"{word[:-1]}y"
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
