"""The words that count when an answer is compared with the wanted reply."""

from __future__ import annotations

from loresmith.words import words

ARTICLES = frozenset({"a", "an", "the"})


def scored_words(text: str) -> list[str]:
    """Return the words of a text without articles, as the SQuAD scorer does (Rajpurkar et al. 2016, arXiv:1606.05250).

    Unlike there, marks part words in place of gluing them, numbers such as 14.50 and 07:40 stay whole, and scripts
    written without spaces are compared character by character.
    """
    return [word for word in words(text) if word not in ARTICLES]
