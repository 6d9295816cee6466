"""Names in a sentence: what is written with a capital where no sentence begins."""

from __future__ import annotations

import re
from collections.abc import Collection

from loresmith.evidence.stems import COMMON, Word, read_words

_OPENS = re.compile(r"(?:^|[.!?:;•>|*#\"“(\n])\s*[\"“‘'(*_-]*$")
_CALENDAR = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sept",
        "sep",
        "oct",
        "nov",
        "dec",
    ]
)
_WEEKDAYS = {day[:3]: day for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")}
_NO_NAMES = frozenset({"i", "ok", "next", "am", "pm", "i'm", "i'll", "i've", "i'd", "note", "mr", "mrs", "ms", "dr"})


def names(text: str, known: Collection[str] = ()) -> list[Word]:
    """Return the words of a sentence that name something, in order.

    A capital that only the beginning of the sentence asks for names nothing, unless its stem is among those `known`.
    Months are left to the dates; days of the week are names.
    """
    return [word for word in read_words(text) if _is_name(text, word, known)]


def spoken_of(text: str) -> set[str]:
    """Return the stems of all words of a text, days of the week in full: what a name is looked for in."""
    return {_full(word.stem) for word in read_words(text)}


def name_stem(word: Word) -> str:
    """Return the stem a name is compared by."""
    return _full(word.stem)


def _full(stem: str) -> str:
    return _WEEKDAYS.get(stem[:3], stem) if stem[:3] in _WEEKDAYS and _WEEKDAYS[stem[:3]].startswith(stem) else stem


def _is_name(text: str, word: Word, known: Collection[str]) -> bool:
    folded = word.text.casefold()
    if not word.text[0].isupper() or folded in _NO_NAMES or folded in COMMON or folded in _CALENDAR:
        return False
    if any(c.isdigit() for c in word.text):
        return False
    return word.stem in known or not _OPENS.search(text[: word.start])
