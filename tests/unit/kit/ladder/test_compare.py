from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from loresmith.errors import LoresmithError
from loresmith.ladder.compare import compare
from loresmith.ladder.stats import holm, paired_difference

METRICS = [("token_f1", False), ("declines", True)]
PROMPT = [0.1, 0.4, 0.3, 0.2, 0.6, 0.7, 0.3, 0.2, 0.9]
RAG = [0.2, 0.6, 0.6, 0.1, 0.8, 0.7, 0.5, 0.6, 0.8]
HYBRID = [0.5, 0.7, 0.8, 0.4, 0.9, 0.6, 0.9, 0.6, 0.4]


@pytest.fixture
def found(rows: Callable[..., Any]) -> dict[str, Any]:
    return compare(rows({"hybrid": HYBRID, "prompt": PROMPT, "rag": RAG}), METRICS, resamples=500, seed=3)


def test_rungs_come_cheapest_first_with_means_and_costs_per_answer(found: dict[str, Any]) -> None:
    assert list(found["rungs"]) == ["prompt", "rag", "hybrid"]
    rung = found["rungs"]["rag"]
    assert set(rung) == {"n", "metrics", "tokens_in", "tokens_out", "seconds"}
    assert (rung["n"], rung["tokens_in"], rung["tokens_out"], rung["seconds"]) == (9, 100, 14, 0.5)
    interval = rung["metrics"]["token_f1"]
    assert interval["mean"] == pytest.approx(sum(RAG) / 9)
    assert interval["low"] < interval["mean"] < interval["high"]
    json.dumps(found, allow_nan=False)


def test_every_pair_is_compared_costlier_minus_cheaper(found: dict[str, Any]) -> None:
    pairs = [(p["a"], p["b"]) for p in found["pairs"] if p["metric"] == "token_f1"]
    assert pairs == [("rag", "prompt"), ("hybrid", "prompt"), ("hybrid", "rag")]
    expected = paired_difference(HYBRID, PROMPT, 500, seed=3)
    pair = found["pairs"][1]
    assert set(pair) == {"a", "b", "metric", "delta", "low", "high", "p", "p_holm"}
    assert (pair["delta"], pair["low"], pair["high"], pair["p"]) == pytest.approx(
        (expected.delta, expected.low, expected.high, expected.p)
    )


def test_holm_is_applied_within_each_metric(found: dict[str, Any]) -> None:
    for name, _ in METRICS:
        pairs = [p for p in found["pairs"] if p["metric"] == name]
        assert [p["p_holm"] for p in pairs] == holm([p["p"] for p in pairs])


def test_questions_a_metric_does_not_apply_to_drop_out_in_pairs(
    found: dict[str, Any], rows: Callable[..., Any]
) -> None:
    pair = next(p for p in found["pairs"] if (p["a"], p["b"], p["metric"]) == ("hybrid", "prompt", "declines"))
    # q2, q5 and q8: 0, 1, 1 for prompt and 1, 1, 0 for hybrid.
    assert pair["delta"] == 0.0
    assert pair["p"] == 1.0
    given = rows({"prompt": PROMPT, "rag": RAG})
    given["rag"][0]["scores"]["token_f1"] = None
    pair = compare(given, METRICS[:1], 200, 1)["pairs"][0]
    assert pair["delta"] == pytest.approx(sum(r - p for r, p in zip(RAG[1:], PROMPT[1:], strict=True)) / 8)


def test_a_metric_that_applies_nowhere_is_left_out(rows: Callable[..., Any]) -> None:
    found = compare(rows({"prompt": PROMPT[:2], "rag": RAG[:2]}), METRICS, 200, 1)
    assert "declines" not in found["rungs"]["prompt"]["metrics"]
    assert {p["metric"] for p in found["pairs"]} == {"token_f1"}
    assert set(found["minimum_detectable"]) == {"token_f1"}


def test_strata_are_summed_up_apart(found: dict[str, Any]) -> None:
    assert list(found["strata"]) == ["answerable", "unanswerable"]
    assert found["strata"]["unanswerable"]["prompt"]["n"] == 3
    assert found["strata"]["unanswerable"]["prompt"]["metrics"]["declines"]["mean"] == pytest.approx(2 / 3)
    assert "declines" not in found["strata"]["answerable"]["prompt"]["metrics"]


def test_the_order_of_the_answers_does_not_matter(found: dict[str, Any], rows: Callable[..., Any]) -> None:
    given = rows({"prompt": PROMPT, "rag": RAG, "hybrid": HYBRID})
    given["rag"].reverse()
    assert compare(given, METRICS, 500, 3) == found


def test_rungs_that_answered_other_questions_are_not_compared(rows: Callable[..., Any]) -> None:
    with pytest.raises(LoresmithError, match='"prompt" and "rag" did not answer the same questions: 1 '):
        compare(rows({"prompt": PROMPT, "rag": RAG[:-1]}), METRICS, 200, 1)
    with pytest.raises(LoresmithError, match="no rung answered"):
        compare(rows({"prompt": []}), METRICS, 200, 1)


def test_one_rung_has_means_and_no_pairs(rows: Callable[..., Any]) -> None:
    found = compare(rows({"rag": RAG}), METRICS, 200, 1)
    assert found["pairs"] == []
    assert found["minimum_detectable"] == {}
