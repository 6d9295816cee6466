"""The words of a text, as scores and the leak check compare them."""

from __future__ import annotations

import re
import unicodedata

_APOSTROPHE = re.compile(r"(?<=\w)['\u2019](?=\w)")
_LOOSE_MARK = re.compile(r"(?<!\d)[.,:]|[.,:](?!\d)")
# Scripts written without spaces: each character stands for a word, as in the multilingual scorers.
_SPACELESS = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")


class _Marks(dict[int, str | int]):
    """Translation table that is filled as characters turn up: marks and symbols become spaces, digits' marks stay."""

    def __missing__(self, code: int) -> str | int:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf":
            kept: str | int = ""
        elif category[0] in "PSZC" and character not in ".,:":
            kept = " "
        else:
            kept = code
        self[code] = kept
        return kept


_MARKS = _Marks()


def words(text: str) -> list[str]:
    """Return the words of a text: compatibility forms unified, case folded, marks gone, `14.50` and `07:40` whole."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = _APOSTROPHE.sub("", folded).translate(_MARKS)
    return _SPACELESS.sub(r" \1 ", _LOOSE_MARK.sub(" ", bare)).split()
