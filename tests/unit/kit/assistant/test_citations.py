from __future__ import annotations

import itertools
import random

import pytest

from fake_parts import DOGS, FARES, chunk
from loresmith.assistant.citations import UNCHECKED, cite, marked, marks, with_marks, without_marks
from loresmith.values import Chunk

PIECES = [
    "The single fare is 9.40 marks.", "Children pay 4.70 marks", "| Red | 9.40 |", "- Dogs travel free", "[1]", " [2].",
    "[1, 2]", "[9]", "\n", "\r\n", "  ", "é", "日本。", "a[1]", "(see [1])", "Next: pay.", "…", "\u2028", "e.g. ",
    "# Fares",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Free [1].", [1]),
        ("Free [1, 2].", [1, 2]),
        ("Free [1][2].", [1, 2]),
        ("Free. [1] [3]", [1, 3]),
        ("Free ([2]).", [2]),
        ("[1] Free", [1]),
        ("call items[1] or f(x)[2]", []),
        ("see [1](https://example.org)", []),
        ("[n] [] [one]", []),
    ],
)
def test_marks_are_read(text: str, numbers: list[int]) -> None:
    assert marks(text) == numbers


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("It is 9.40 marks [1].", "It is 9.40 marks."),
        ("It is 9.40 marks. [1] Pay.", "It is 9.40 marks. Pay."),
        ("It is 9.40 marks [1][2] , yes.", "It is 9.40 marks, yes."),
        ("It is free ([1]).", "It is free."),
        ("[1] It is free", "It is free"),
        ("use items[1] there", "use items[1] there"),
    ],
)
def test_marks_go_without_a_trace(text: str, bare: str) -> None:
    assert without_marks(text) == bare


def test_a_citation_is_the_sentence_of_the_document_that_says_it() -> None:
    document = f"# Fares\n\n{FARES}"
    [citation] = cite("Children pay 4.70 marks [1].", [chunk(FARES, start=document.index(FARES))])
    assert citation.quote == "Children pay 4.70 marks."
    assert document[citation.start : citation.end] == citation.quote
    assert (citation.n, citation.document) == (1, "fares.md")
    assert (citation.supported, citation.why) == (False, UNCHECKED)


def test_each_mark_quotes_for_its_own_sentence() -> None:
    found = cite(
        "The single fare is 9.40 marks [1]. A dog in a cabin pays 6.00 marks. [2]", [chunk(FARES), chunk(DOGS, "d")]
    )
    assert [(c.n, c.quote) for c in found] == [
        (1, "The single fare is 9.40 marks."),
        (2, "A dog in a cabin pays 6.00 marks."),
    ]


def test_marks_out_of_range_cite_nothing() -> None:
    assert cite("Free [0] [2] [99].", [chunk(FARES)]) == []
    assert cite("Free [1].", []) == []


def test_quotes_are_spans_of_the_document_whatever_the_texts_are() -> None:
    draw = random.Random(7)
    for _ in range(150):
        document = "".join(draw.choices(PIECES, k=30))
        cuts = sorted(draw.choices(range(len(document) + 1), k=4))
        passages = [Chunk(str(a), "d", a, b, document[a:b]) for a, b in itertools.pairwise(cuts)]
        for citation in cite("".join(draw.choices(PIECES, k=12)), passages):
            passage = passages[citation.n - 1]
            assert document[citation.start : citation.end] == citation.quote
            assert passage.start <= citation.start <= citation.end <= passage.end


def test_a_training_reply_is_marked_before_the_full_stop() -> None:
    reply = "The single fare is 9.40 marks. A dog in a cabin pays 6.00 marks! Bon voyage, Madam."
    marked = with_marks(reply, [chunk(FARES), chunk(DOGS, "dogs.md")])
    assert marked == "The single fare is 9.40 marks [1]. A dog in a cabin pays 6.00 marks [2]! Bon voyage, Madam."


def test_the_best_sentence_is_marked_even_if_it_is_not_good() -> None:
    assert (
        with_marks("Whoever is small pays 4.70 then. Hurry up.", [chunk(FARES)])
        == "Whoever is small pays 4.70 then [1]. Hurry up."
    )


def test_a_reply_that_shares_no_word_is_not_marked() -> None:
    assert with_marks("Bon voyage.", [chunk(FARES)]) == "Bon voyage."
    assert with_marks("Bon voyage.", []) == "Bon voyage."


def test_only_the_documents_of_the_reply_are_cited() -> None:
    twin = chunk(FARES, "old-fares.md")
    assert with_marks("The single fare is 9.40 marks.", [twin, chunk(FARES)], ["fares.md"]).endswith("marks [2].")
    assert "[" not in with_marks("The single fare is 9.40 marks.", [twin], ["fares.md"])


def test_marking_and_unmarking_are_inverse() -> None:
    draw = random.Random(3)
    passages = [chunk(FARES), chunk(DOGS, "dogs.md")]
    for _ in range(300):
        reply = without_marks(" ".join(draw.choices(PIECES, k=8)))
        marked = with_marks(reply, passages)
        assert without_marks(marked).split() == without_marks(reply).split()
        assert with_marks(marked, passages) == marked


@pytest.mark.parametrize(
    ("sentence", "numbers", "shown"),
    [
        ("Free [3].", (1,), "Free [1]."),
        ("Free [1].", (), "Free."),
        ("Free. [2]", (1, 2), "Free [1][2]."),
        ("Free", (1,), "Free [1]"),
        ('She says "go!"', (2,), 'She says "go [2]!"'),
    ],
)
def test_a_sentence_carries_the_marks_it_is_given_and_no_others(
    sentence: str, numbers: tuple[int, ...], shown: str
) -> None:
    assert marked(sentence, numbers) == shown
