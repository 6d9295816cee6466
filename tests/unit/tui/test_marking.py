from __future__ import annotations

from typing import Any

import pytest

from loresmith.values import Answer, Citation, Trace
from loresmith_tui.marking import marked_text, marks_in


def answer(text: str, citations: list[Citation], checks: list[dict[str, Any]] | None = None) -> Answer:
    return Answer(text, citations, refused=False, rung="rag", trace=Trace(checks=checks or []))


def cited(n: int, *, supported: bool) -> Citation:
    return Citation(n, "dogs.md", 0, 4, "Dogs", supported)


def check(sentence: str, marks: list[int], *, supported: bool, told: bool = True) -> dict[str, Any]:
    return {"sentence": sentence, "marks": marks, "supported": supported, "told": told}


def test_a_mark_is_signed_in_the_sentence_that_it_does_not_bear_out_and_in_no_other() -> None:
    found = answer(
        "Dogs go free [1]. They pay 9 marks [1].",
        [cited(1, supported=True), cited(1, supported=False)],
        [check("Dogs go free.", [1], supported=True), check("They pay 9 marks.", [1], supported=False)],
    )
    assert marked_text(found) == "Dogs go free [1]. They pay 9 marks [1✗]."


def test_a_claim_that_no_passage_says_is_signed_behind_it() -> None:
    found = answer("Cats pay 3 marks.", [], [check("Cats pay 3 marks.", [], supported=False)])
    assert marked_text(found) == "Cats pay 3 marks. [-✗]"
    courtesy = answer("It is nice there.", [], [check("It is nice there.", [], supported=False, told=False)])
    assert marked_text(courtesy) == "It is nice there."


def test_where_no_check_is_known_the_citations_decide() -> None:
    found = answer("Dogs [1, 2] and cats [7], items[1].", [cited(1, supported=True), cited(2, supported=False)])
    assert marked_text(found) == "Dogs [1][2✗] and cats [7✗], items[1]."


def test_marks_are_found_again_in_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [mark[2:] for mark in marks_in("a [1]. b [2✗]. c [-✗] [-] [x]")] == [(1, True), (2, False), (0, False)]
    monkeypatch.setenv("LORESMITH_ASCII", "1")
    found = answer("Dogs [2].", [cited(2, supported=False)])
    assert marked_text(found) == "Dogs [2x]."
    assert [mark[2:] for mark in marks_in(marked_text(found))] == [(2, False)]
