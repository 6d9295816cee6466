from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loresmith.ladder.compare import compare
from loresmith.ladder.report.record import record
from loresmith.ladder.table import render
from loresmith.ladder.verdict import decide

METRICS = [("token_f1", False), ("declines", True)]


@pytest.fixture
def report(rows: Callable[..., Any]) -> dict[str, Any]:
    base = [0.1 + 0.01 * index for index in range(30)]
    scores = {
        "prompt": base,
        "rag": base[::-1],
        "hybrid": [score + 0.3 + 0.003 * (i % 4) for i, score in enumerate(base)],
    }
    given = rows(scores)
    for found in given.values():
        for row in found:
            row["scores"] |= {f"another_metric_{n}": 0.5 for n in range(4)}
    metrics = METRICS + [(f"another_metric_{n}", False) for n in range(4)]
    comparison = compare(given, metrics, 300, 1)
    verdict = decide(comparison, list(scores), "token_f1", 0.02)
    return record(comparison, verdict, metric="token_f1", margin=0.02, run="r", report="r.html", receipts={})


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_table_keeps_to_its_width(report: dict[str, Any], width: int) -> None:
    assert max(map(len, render(report, width).splitlines())) <= width


def test_every_metric_every_rung_and_the_costs_are_in_it(report: dict[str, Any]) -> None:
    text = render(report)
    for word in ("prompt", "rag", "hybrid", "token_f1", "declines", "another_metric_3", "tokens in", "seconds"):
        assert word in text
    assert "0.245 [" in text


def test_the_shipped_rung_is_marked_and_compared_with_the_others(report: dict[str, Any]) -> None:
    lines = render(report).splitlines()
    assert any(line.startswith("> hybrid") for line in lines)
    assert any("hybrid - prompt" in line and line.endswith("better") for line in lines)
    assert "smallest difference these questions can show" in render(report)
    assert "verdict: ship hybrid. Hybrid beats every cheaper rung on token_f1" in render(report)


def test_an_open_verdict_says_keep(report: dict[str, Any]) -> None:
    open_verdict = {"ship": "prompt", "decided": False, "why": "undecided on token_f1: so"}
    text = render({**report, "verdict": open_verdict})
    assert "verdict: keep prompt. Undecided on token_f1: so." in text
    assert any("prompt - hybrid" in line and line.endswith("worse") for line in text.splitlines())
