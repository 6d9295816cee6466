from __future__ import annotations

import pytest

from loresmith.evidence.support import Passage, support

FERRY = Passage(
    "# Foot fares\n\nThe single fare on Red is 9.40 marks, and children pay 4.70 marks. Dogs are not allowed in the "
    "galley from 1 May 2026. Bicycles go over the wheelway before 09:15. The boatman Orrin sells a tally at the "
    "gangway.\n\n| Route | Spring | Slack |\n|---|---|---|\n| Blue, Kesterhaven | 13.20 | 9.60 |\n"
    "| Green, Stackholm | 5.10 | 3.90 |",
    "Foot fares",
)


@pytest.mark.parametrize(
    "claim",
    [
        "The single fare on Red is 9.40 marks.",
        "A single on Red costs 9.4 marks.",
        "Children pay 4.70 marks.",
        "An adult and a child pay 9.40 marks and 4.70 marks, 14.10 marks together.",
        "Dogs aren't allowed in the galley from May 1st, 2026.",
        "No dogs are allowed in the galley from 01/05/2026.",
        "Bicycles go over the wheelway before quarter past nine.",
        "Blue costs 13.20 marks in spring.",
        "The boatman at the gangway sells tallies.",
    ],
)
def test_what_the_passage_says_in_other_words_is_supported(claim: str) -> None:
    found = support(claim, [FERRY])
    assert found.supported, found.why


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("Bicycles go over the wheelway before 09:20.", '"09:20" is not in the passage, which says "09:15"'),
        ("Dogs are not allowed in the galley from 2 May 2026.", '"2 May 2026" is not in the passage'),
        ("Dogs are allowed in the galley from 1 May 2026.", "the passage says the opposite"),
        ("The boatman Holm sells a tally at the gangway.", '"Holm" is not in the passage'),
        ("Parrots fly along freely everywhere.", "the passage speaks of something else"),
        (
            "The boatman Orrin sells the galley from 1 May 2026.",
            "it is put together from pieces of different statements",
        ),
        ("Yes.", "it says nothing that could be checked"),
    ],
)
def test_what_the_passage_does_not_say_is_told_with_the_reason(claim: str, why: str) -> None:
    assert support(claim, [FERRY]).why.startswith(why)


def test_a_number_that_the_passage_has_of_something_else_does_not_stand() -> None:
    passage = Passage("The single fare to Kesterhaven costs 9.40 marks. A lost label is 3.00 marks.")
    assert support("The single fare to Kesterhaven costs 9.40 marks.", [passage]).supported
    wrong = support("The single fare to Kesterhaven costs 3.00 marks.", [passage])
    assert wrong.why == 'the passage has "3.00 marks" of something else'


def test_the_span_is_that_of_the_sentence_that_says_it() -> None:
    found = support("Bicycles go over the wheelway before 9:15.", [Passage("Nothing here."), FERRY])
    assert found.passage == 1
    assert FERRY.text[found.start : found.end] == "Bicycles go over the wheelway before 09:15."


def test_two_passages_may_support_a_sentence_together() -> None:
    other = Passage("A cabin on Merrow costs 14.00 marks a night.", "Cabins")
    claim = "Children pay 4.70 marks, and a cabin on Merrow costs 14.00 marks a night."
    assert not support(claim, [FERRY]).supported
    assert not support(claim, [other]).supported
    assert support(claim, [FERRY, other]).supported


def test_a_claim_may_take_up_what_the_user_said() -> None:
    claim = "Your van on 20 May goes over the wheelway before 09:15, as bicycles go."
    assert not support(claim, [FERRY]).supported
    assert support(claim, [FERRY], given="what about 20 may with my van?").supported


def test_a_number_of_the_question_is_not_taken_up_against_the_passage() -> None:
    passage = Passage("The single fare on Red is 9.40 marks.")
    found = support("The single fare on Red is 7.20 marks.", [passage], given="is the single fare on red 7.20 marks?")
    assert found.why == '"7.20 marks" is not in the passage, which says "9.40 marks"'


@pytest.mark.parametrize("text", ["", "\x00", "|||", "#", "." * 5000, "a" * 5000, "[1] " * 500])
def test_odd_texts_support_nothing_and_break_nothing(text: str) -> None:
    assert not support("The fare is 9.40 marks.", [Passage(text)]).supported
    support(text, [FERRY])
    assert not support("The fare is 9.40 marks.", []).supported
