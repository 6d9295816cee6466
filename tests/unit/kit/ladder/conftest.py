"""Answers of rungs, and a comparison written by hand for the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def rows() -> Callable[..., Rows]:
    """Make rows by rung from lists of token_f1; every third question is one that must be declined."""

    def make(scores: Mapping[str, Sequence[float]], **fields: Any) -> Rows:
        return {
            rung: [_row(index, score, fields) for index, score in enumerate(found)] for rung, found in scores.items()
        }

    return make


def _row(index: int, score: float, fields: Mapping[str, Any]) -> dict[str, Any]:
    unanswerable = index % 3 == 2
    return {
        "id": f"q{index}",
        "stratum": "unanswerable" if unanswerable else "answerable",
        "question": f"question {index}",
        "gold": f"gold {index}",
        "answer": f"answer {index}",
        "citations": [],
        "refused": False,
        "scores": {"token_f1": score, "declines": float(score > 0.5) if unanswerable else None},
        "tokens_in": 100,
        "tokens_out": 10 + index,
        "seconds": 0.5,
        **fields,
    }


@pytest.fixture
def comparison() -> Callable[..., dict[str, Any]]:
    """Make a comparison from means by rung and (costlier, cheaper): (low, high, p_holm)."""

    def make(means: Mapping[str, float], pairs: Mapping[tuple[str, str], tuple[float, float, float]]) -> dict[str, Any]:
        rungs = {rung: {"n": 60, "metrics": {"token_f1": {"mean": mean}}} for rung, mean in means.items()}
        found = [
            {"a": a, "b": b, "metric": "token_f1", "delta": means[a] - means[b], "low": low, "high": high, "p_holm": p}
            for (a, b), (low, high, p) in pairs.items()
        ]
        return {"rungs": rungs, "pairs": found}

    return make
