from __future__ import annotations

import random

import pytest

from fake_parts import DOGS, FARES, FakeEngine, FakeRetriever, chunk, fake_assistant
from loresmith.assistant.checking import checked, claims
from loresmith.assistant.citations import marks, without_marks
from loresmith.host import PluginHost
from loresmith.values import Answer

PASSAGES = [chunk(FARES), chunk(DOGS, "dogs.md", 50, "Dogs")]


def ask(reply: str, question: str = "fare?", **more: str) -> Answer:
    assistant = fake_assistant(engine=FakeEngine(reply), retriever=FakeRetriever(*PASSAGES), **more)
    return assistant.answer([[{"role": "user", "content": question}]])[0]


def test_a_citation_that_holds_is_quoted_to_the_character() -> None:
    result = checked("A dog in a cabin pays 6 marks [2].", PASSAGES, "")
    (citation,) = result.citations
    assert result.text == "A dog in a cabin pays 6 marks [2]."
    assert (citation.supported, citation.quote) == (True, "A dog in a cabin pays 6.00 marks.")
    assert DOGS[citation.start - 50 : citation.end - 50] == citation.quote


def test_a_mark_on_the_wrong_passage_moves_to_the_right_one() -> None:
    result = checked("Children pay 4.70 marks [2].", PASSAGES, "")
    assert result.text == "Children pay 4.70 marks [1]."
    assert [(c.n, c.supported) for c in result.citations] == [(1, True)]
    assert result.checks[0]["repair"] == "cited [2], [1] says it"


def test_a_sentence_without_a_mark_gets_that_of_the_passage_that_says_it() -> None:
    result = checked("Children pay 4.70 marks. Thank you! Will you come?", PASSAGES, "")
    assert result.text == "Children pay 4.70 marks [1]. Thank you! Will you come?"


def test_a_sentence_that_was_cut_off_gets_no_mark() -> None:
    assert checked("Children pay 4.70", PASSAGES, "").text == "Children pay 4.70"


def test_a_mark_that_adds_nothing_is_taken_away_and_one_that_does_stays() -> None:
    assert checked("Children pay 4.70 marks [1][2].", PASSAGES, "").text == "Children pay 4.70 marks [1]."
    both = "Children pay 4.70 marks, and a dog in a cabin pays 6.00 marks [1][2]."
    assert checked(both, PASSAGES, "").text == both


def test_a_sentence_that_rests_on_two_passages_gets_the_second_mark() -> None:
    said = checked("Children pay 4.70 marks, and a dog in a cabin pays 6.00 marks [1].", PASSAGES, "").text
    assert said.endswith("marks [1][2].")


def test_a_mark_of_no_passage_is_repaired_or_goes() -> None:
    assert checked("Children pay 4.70 marks [7].", PASSAGES, "").text == "Children pay 4.70 marks [1]."
    assert checked("Parrots fly along [7].", PASSAGES, "").text == "Parrots fly along."


def test_what_nothing_supports_stays_marked_and_says_why() -> None:
    answer = ask("Children pay 4.80 marks [1].")
    (citation,) = answer.citations
    assert answer.answer == "Children pay 4.80 marks [1]."
    assert not citation.supported
    assert citation.why == '"4.80 marks" is not in the passage, which says "4.70 marks"'
    assert answer.trace.checks[0]["why"] == citation.why


def test_a_quote_that_one_of_two_sentences_misuses_is_not_supported() -> None:
    result = checked("Children pay 4.70 marks [1]. Children pay 4.75 marks [1].", PASSAGES, "")
    assert [c.supported for c in result.citations] == [False]


def test_strict_makes_a_reply_with_an_unsupported_citation_a_refusal() -> None:
    answer = ask("Children pay 4.80 marks [1].", citations="strict")
    assert (answer.refused, answer.citations) == (True, [])
    assert answer.answer == "The papers do not say. Next: ring the desk."
    assert answer.trace.refused.startswith('citations are strict: "4.80 marks" is not in the passage')
    assert "withheld: Children pay 4.80 marks [1]." in answer.trace.notes


def test_strict_refuses_a_number_that_cites_nothing_and_a_reply_without_any_citation() -> None:
    assert ask("Children pay 4.70 marks [1]. Parrots pay 3.00 marks.", citations="strict").refused
    assert ask("Thank you!", citations="strict").refused


def test_strict_lets_a_supported_reply_through() -> None:
    answer = ask("Children pay 4.70 marks [1]. Thank you!", citations="strict")
    assert (answer.refused, answer.answer) == (False, "Children pay 4.70 marks [1]. Thank you!")


def test_strict_shows_nothing_that_nobody_checked() -> None:
    answer = ask("Children pay 4.70 marks [1].", citations="strict")
    unchecked = fake_assistant(
        engine=FakeEngine("Children pay 4.70 marks [1]."), host=PluginHost(points=[]), citations="strict"
    ).answer([[{"role": "user", "content": "fare?"}]])[0]
    assert (answer.refused, unchecked.refused) == (False, True)


def test_off_leaves_the_reply_as_it_is_and_says_that_nothing_was_checked() -> None:
    answer = ask("Children pay 4.80 marks [2][7]. Adults pay 9.40 marks.", citations="off")
    assert answer.answer == "Children pay 4.80 marks [2][7]. Adults pay 9.40 marks."
    assert [(c.supported, c.why) for c in answer.citations] == [(False, "not checked")]
    assert answer.trace.checks == []


def test_a_refusal_is_not_checked() -> None:
    answer = ask("The papers do not say [1]. Next: ring the desk.")
    assert answer.refused
    assert answer.trace.checks == []


@pytest.mark.parametrize("text", ["Yes.", "Thanks for asking!", "Shall I book 2 places?", "You're welcome.", ""])
def test_courtesies_and_questions_claim_nothing(text: str) -> None:
    assert not claims(text)


def test_checking_changes_nothing_but_marks() -> None:
    draw = random.Random(11)
    pieces = [
        "Children pay 4.70 marks", " [1]", "[2]", ". ", "! ", "? ", "\n- ", "Dogs travel free on deck", " [9]", "\x00",
        "| a | 9.40 |", "\n\n", "日本。", "e.g. ", "9.40", " marks",
    ]  # fmt: skip
    for _ in range(50):
        reply = "".join(draw.choices(pieces, k=9)).strip()
        result = checked(reply, PASSAGES, "")
        assert "".join(without_marks(result.text).split()) == "".join(without_marks(reply).split())
        assert {c.n for c in result.citations} <= {1, 2}
        assert set(marks(result.text)) <= {1, 2} | set(marks(reply))
        for citation in result.citations:
            passage = PASSAGES[citation.n - 1]
            assert passage.text[citation.start - passage.start : citation.end - passage.start] == citation.quote
