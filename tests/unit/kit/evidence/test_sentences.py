from __future__ import annotations

import pytest

from loresmith.evidence.sentences import sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It costs 9.40 marks. Dogs are free.", ["It costs 9.40 marks.", "Dogs are free."]),
        ("Ask Dr. Holm, e.g. by phone. Then go.", ["Ask Dr. Holm, e.g. by phone.", "Then go."]),
        ("Take no. 7 at 10:00. Or walk!", ["Take no. 7 at 10:00.", "Or walk!"]),
        ("No. The fare stands.", ["No.", "The fare stands."]),
        ("It is free. [1] Dogs pay. [2]", ["It is free. [1]", "Dogs pay. [2]"]),
        ("It is free [1]. Dogs pay [2].", ["It is free [1].", "Dogs pay [2]."]),
        ('She said "go." They went.', ['She said "go."', "They went."]),
        ("これは本です。高いです。", ["これは本です。", "高いです。"]),
        ("a line that\nis wrapped here", ["a line that\nis wrapped here"]),
        ("no full stop", ["no full stop"]),
    ],
)
def test_sentences_end_where_a_reader_says(text: str, wanted: list[str]) -> None:
    assert cut(text) == wanted


def test_list_items_headings_and_table_rows_stand_for_themselves() -> None:
    text = "# Fares\nFrom May on.\n\n- adults 9.40\n- children 4.70\n1. first\n\n"
    text += "| Route | Fare |\n|---|---|\n| Red | 9.40 |\nAfter."
    assert cut(text) == [
        "Fares",
        "From May on.",
        "adults 9.40",
        "children 4.70",
        "first",
        "| Route | Fare |",
        "| Red | 9.40 |",
        "After.",
    ]


@pytest.mark.parametrize("text", ["", " \n\t", "...", "|---|\n\n- \n", "[", "\x00\u2028!"])
def test_a_text_without_words_has_no_sentences(text: str) -> None:
    assert sentences(text) == []
