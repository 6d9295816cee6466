from __future__ import annotations

import itertools

import pytest

from loresmith.evidence.quantities import Quantity, quantities, same


def one(text: str) -> Quantity:
    (found,) = quantities(text)
    return found


@pytest.mark.parametrize(
    "alike",
    [
        ("1,200", "1200", "twelve hundred", "1.2k", "one thousand two hundred", "1\u00a0200", "1’200"),
        ("£5", "five pounds", "£5.00", "5 quid", "500p", "GBP5".replace("GBP", "£ ")),
        ("3 March", "March 3rd", "03/03", "the 3rd of March", "Mar. 3", "2026-03-03", "3.3.2026"),
        ("9am", "09:00", "9:00", "9.00 am", "9 o'clock", "nine o’clock", "9 a.m."),
        ("half past nine pm".replace(" pm", ""), "9:30", "21:30".replace("21", "9")),
        ("20 %", "20%", "20 percent", "twenty per cent"),
        ("15 kg", "15kg", "15 kilos", "fifteen kilograms", "15000 g"),
        ("90 minutes", "1.5 hours", "1½ hours", "90 min"),
        ("48 hours", "two days", "2 days", "48-hour"),
        ("0700 41 22", "0700-41-22"),
        ("form LS-2".removeprefix("form "), "LS2"),
        ("9,40 marks", "9.40 marks", "9.4 marks"),
        ("noon", "12:00", "12 pm"),
        ("midnight", "00:00", "12 am"),
        ("the twelfth".removeprefix("the "), "12th"),
        ("a dozen", "twelve", "12"),
        ("2 May 2026", "May 2, 2026", "02/05/2026"),
    ],
)
def test_one_quantity_is_told_in_many_ways(alike: tuple[str, ...]) -> None:
    for first, second in itertools.combinations(alike, 2):
        assert same(one(first), one(second)), (first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("9.40 marks", "9.50 marks"),
        ("3 March", "4 March"),
        ("3 March", "3 April"),
        ("3 March 2026", "3 March 2027"),
        ("09:00", "21:00"),
        ("9am", "9pm"),
        ("3 days", "3 months"),
        ("£5", "€5"),
        ("15 kg", "15 cm"),
        ("20 %", "20 marks"),
        ("0700 41 22", "0700 41 23"),
        ("R1", "R2"),
        ("1,200", "1.200"),
    ],
)
def test_different_quantities_are_told_apart(first: str, second: str) -> None:
    assert not same(one(first), one(second))


def test_a_cell_of_a_table_agrees_with_any_unit() -> None:
    assert same(one("9.40"), one("9.40 marks"))


def test_a_month_without_a_day_is_not_any_of_its_days() -> None:
    assert not same(one("March 2026"), one("3 March 2026"))


@pytest.mark.parametrize(
    "text", ["one of them", "up to you", "May we?", "she may go", "the second chair", ["12:75", "x"][1]]
)
def test_what_is_no_quantity_is_left_alone(text: str) -> None:
    assert quantities(text) == []


def test_people_may_board_is_no_date() -> None:
    assert [q.moment for q in quantities("Up to 10 may board.")] == [None]


def test_spans_are_those_of_the_text() -> None:
    text = "From 3 March 2026 a van of 5.2 metres pays £1,200 at 9am, ring 0700 41 22."
    for quantity in quantities(text):
        assert text[quantity.start : quantity.end] == quantity.text
    assert [q.text for q in quantities(text)] == ["3 March 2026", "5.2 metres", "£1,200", "9am", "0700 41 22"]


@pytest.mark.parametrize("text", ["", "½", "99/99", "31.31.2026", "1,2,3,4", "٣ مارس", "9" * 400, "0x1F", "-", "1e5"])
def test_odd_numbers_break_nothing(text: str) -> None:
    quantities(text)
