"""Rows below rows: what is seen, where the cursor is, and what is wrong where."""

from __future__ import annotations

import pytest

from loresmith.errors import Problem
from loresmith.recipe.form import Row
from loresmith_tui.outline import Outline

ROWS = (
    Row(("name",), "value"),
    Row(("training",), "list"),
    Row(("training", 0), "part", depth=1, item=True),
    Row(("training", 0, "rank"), "number", depth=2),
    Row(("training", 1), "part", depth=1, item=True),
    Row(("training", 1, "beta"), "number", depth=2),
    Row(("knowledge",), "group"),
    Row(("knowledge", "retriever"), "part", depth=1),
    Row(("knowledge", "retriever", "k"), "number", depth=2),
)


@pytest.fixture
def outline() -> Outline:
    outline = Outline()
    outline.fill(ROWS, ())
    return outline


def seen(outline: Outline) -> list[str]:
    return [outline.rows[number].where for number in outline.lines]


def test_lists_and_groups_are_open_at_first_and_components_are_folded(outline: Outline) -> None:
    assert seen(outline) == ["name", "training", "training[0]", "training[1]", "knowledge", "knowledge.retriever"]


def test_going_to_a_key_path_unfolds_what_hides_it(outline: Outline) -> None:
    assert outline.go(("training", 1, "beta"))
    assert outline.row == ROWS[5]
    assert "training[0].rank" not in seen(outline)
    assert outline.go(("training", 1, "gamma", "x")), "what is around it is gone to"
    assert outline.row == ROWS[4]
    assert not outline.go(("nothing",))
    assert outline.row == ROWS[4]


def test_folding_what_has_nothing_below_it_leads_to_the_row_around_it(outline: Outline) -> None:
    outline.go(("training", 0, "rank"))
    outline.fold(False)
    assert outline.row == ROWS[2]
    outline.fold(False)
    assert "training[0].rank" not in seen(outline)
    outline.fold(True)
    assert "training[0].rank" in seen(outline)


def test_the_list_and_the_item_around_the_cursor_are_known(outline: Outline) -> None:
    outline.go(("training", 0, "rank"))
    assert (outline.list_row, outline.item) == (ROWS[1], ROWS[2])
    outline.go(("knowledge", "retriever"))
    assert (outline.list_row, outline.item) == (None, None)


def test_a_problem_is_that_of_the_row_and_of_the_folded_one_above_it(outline: Outline) -> None:
    wrong = Problem("must be at least 1", key="training[0].rank.deeper")
    outline.fill(ROWS, [wrong])
    outline.go(("training", 0))
    assert outline.problems == [wrong]
    outline.fold(True)
    assert outline.problems == []
    outline.go(("training", 0, "rank"))
    assert outline.problems == [wrong]


def test_the_cursor_stays_at_its_key_path_or_where_it_is_expected(outline: Outline) -> None:
    outline.go(("knowledge", "retriever"))
    outline.fill(ROWS[1:], ())
    assert outline.row == ROWS[7]
    outline.expect(("training", 1))
    outline.fill(ROWS, ())
    assert outline.row == ROWS[4]
    outline.fill(ROWS[:1], ())
    assert outline.row == ROWS[0]


def test_the_cursor_never_leaves_the_rows(outline: Outline) -> None:
    outline.move(10_000)
    assert outline.row == ROWS[7]
    outline.move(-5)
    assert outline.row == ROWS[0]
    outline.fill((), ())
    assert outline.row is None
    assert outline.problems == []
