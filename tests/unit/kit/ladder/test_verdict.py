from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loresmith.ladder.verdict import Verdict, decide

Comparison = Callable[..., dict[str, Any]]
PROVEN, OPEN = 0.001, 0.4


def judge(comparison: dict[str, Any], margin: float = 0.02) -> Verdict:
    return decide(comparison, list(comparison["rungs"]), "token_f1", margin)


def test_a_rung_that_beats_every_cheaper_one_ships(comparison: Comparison) -> None:
    verdict = judge(
        comparison(
            {"prompt": 0.30, "rag": 0.31, "hybrid": 0.40},
            {
                ("rag", "prompt"): (-0.02, 0.04, OPEN),
                ("hybrid", "prompt"): (0.05, 0.15, PROVEN),
                ("hybrid", "rag"): (0.04, 0.14, 0.0004),
            },
        )
    )
    assert (verdict.ship, verdict.decided) == ("hybrid", True)
    assert verdict.why == (
        "hybrid beats every cheaper rung on token_f1: by 0.090 [0.040, 0.140] over rag, the closest, p < 0.001"
    )


def test_the_cheapest_ships_where_no_costlier_one_can_be_better(comparison: Comparison) -> None:
    verdict = judge(
        comparison(
            {"prompt": 0.30, "rag": 0.301, "tuned": 0.25},
            {
                ("rag", "prompt"): (-0.015, 0.017, 1.0),
                ("tuned", "prompt"): (-0.09, -0.01, 0.01),
                ("tuned", "rag"): (-0.09, -0.01, 0.01),
            },
        )
    )
    assert (verdict.ship, verdict.decided) == ("prompt", True)
    assert "no costlier rung is better than prompt by 0.02 or more" in verdict.why
    assert "rag, 0.001 [-0.015, 0.017]" in verdict.why


@pytest.mark.parametrize(
    ("low", "high", "p", "mean", "reason"),
    [
        (-0.01, 0.09, 0.12, 0.34, "60 questions cannot tell that from nothing"),
        (0.001, 0.08, 0.08, 0.34, "after Holm's correction that is not proven (p = 0.080)"),
        (0.005, 0.025, PROVEN, 0.315, "that is less than the margin of 0.02"),
    ],
)
def test_a_lead_that_is_not_proven_leaves_it_undecided(
    comparison: Comparison, low: float, high: float, p: float, mean: float, reason: str
) -> None:
    verdict = judge(comparison({"prompt": 0.30, "hybrid": mean}, {("hybrid", "prompt"): (low, high, p)}))
    assert (verdict.ship, verdict.decided) == ("prompt", False)
    assert "undecided on token_f1: hybrid leads prompt by" in verdict.why
    assert reason in verdict.why


def test_each_condition_of_a_win_is_needed(comparison: Comparison) -> None:
    win = {"low": 0.03, "high": 0.07, "p": PROVEN, "mean": 0.35}
    for change in ({}, {"low": -0.001}, {"p": 0.05}, {"mean": 0.315}):
        given = {**win, **change}
        pairs = {("rag", "prompt"): (given["low"], given["high"], given["p"])}
        assert judge(comparison({"prompt": 0.30, "rag": given["mean"]}, pairs)).ship == ("prompt" if change else "rag")


def test_the_cheaper_of_two_good_rungs_ships_and_the_open_lead_is_told(comparison: Comparison) -> None:
    verdict = judge(
        comparison(
            {"prompt": 0.30, "tuned": 0.38, "hybrid": 0.39},
            {
                ("tuned", "prompt"): (0.04, 0.12, PROVEN),
                ("hybrid", "prompt"): (0.05, 0.13, PROVEN),
                ("hybrid", "tuned"): (-0.02, 0.04, OPEN),
            },
        )
    )
    assert (verdict.ship, verdict.decided) == ("tuned", True)
    assert verdict.why.startswith("tuned beats prompt on token_f1: by 0.080 [0.040, 0.120]")
    assert "hybrid scores higher still, by 0.010 [-0.020, 0.040], but 60 questions cannot tell" in verdict.why


def test_a_rung_not_proven_worse_is_kept_though_its_own_win_is_open(comparison: Comparison) -> None:
    verdict = judge(
        comparison(
            {"prompt": 0.30, "rag": 0.35, "hybrid": 0.39},
            {
                ("rag", "prompt"): (-0.01, 0.11, OPEN),
                ("hybrid", "prompt"): (0.05, 0.13, PROVEN),
                ("hybrid", "rag"): (-0.01, 0.09, OPEN),
            },
        )
    )
    assert (verdict.ship, verdict.decided) == ("rag", False)
    assert "hybrid leads rag by 0.040 [-0.010, 0.090]" in verdict.why


def test_the_best_mean_being_the_cheapest_does_not_decide_a_wide_interval(comparison: Comparison) -> None:
    verdict = judge(comparison({"prompt": 0.30, "rag": 0.29}, {("rag", "prompt"): (-0.08, 0.06, OPEN)}))
    assert (verdict.ship, verdict.decided) == ("prompt", False)
    assert "rag differs by -0.010 [-0.080, 0.060]" in verdict.why


def test_a_cheap_rung_that_a_cheaper_one_beats_does_not_ship(comparison: Comparison) -> None:
    verdict = judge(
        comparison(
            {"prompt": 0.30, "few-shot": 0.20, "hybrid": 0.40},
            {
                ("few-shot", "prompt"): (-0.15, -0.05, PROVEN),
                ("hybrid", "prompt"): (0.05, 0.15, PROVEN),
                ("hybrid", "few-shot"): (-0.01, 0.40, OPEN),
            },
        )
    )
    assert verdict.ship == "hybrid"


def test_one_rung_alone_is_shipped_undecided(comparison: Comparison) -> None:
    verdict = judge(comparison({"rag": 0.3}, {}))
    assert (verdict.ship, verdict.decided) == ("rag", False)
    assert "only rag was measured" in verdict.why


def test_a_metric_nobody_has_keeps_the_cheapest(comparison: Comparison) -> None:
    given = comparison({"prompt": 0.3, "rag": 0.4}, {("rag", "prompt"): (0.05, 0.15, PROVEN)})
    verdict = decide(given, ["rag", "prompt"], "declines", 0.02)
    assert (verdict.ship, verdict.decided) == ("prompt", False)
    assert "no question has a declines" in verdict.why


def test_rungs_are_taken_by_cost_in_whatever_order_they_come(comparison: Comparison) -> None:
    given = comparison({"hybrid": 0.31, "prompt": 0.30}, {("hybrid", "prompt"): (-0.05, 0.07, OPEN)})
    assert judge(given).ship == "prompt"
