from __future__ import annotations

import pytest

from loresmith.words import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It costs £14.50, at 07:40.", ["it", "costs", "14.50", "at", "07:40"]),
        ("1,200 people... or 3...4?", ["1,200", "people", "or", "3", "4"]),
        ("Don’t / don't", ["dont", "dont"]),
        ("**Bold** `code_name` (well-known)", ["bold", "code", "name", "well", "known"]),
        ("STRASSE straße ﬁne", ["strasse", "strasse", "fine"]),
        ("कितना किराया है?", ["कितना", "किराया", "है"]),
        ("票价是14.50元", ["票", "价", "是", "14.50", "元"]),
        ("cafe\u0301 caf\u00e9", ["caf\u00e9", "caf\u00e9"]),
        ("zero\u200bwidth", ["zerowidth"]),
        ("!?… 👍", []),
    ],
)
def test_words_keep_numbers_whole_and_drop_marks_in_every_script(text: str, found: list[str]) -> None:
    assert words(text) == found
