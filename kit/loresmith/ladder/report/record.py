"""`report.json`: what `build --json` and `eval --json` print, and all other renderings start from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loresmith.ladder.verdict import Verdict


def record(
    comparison: Mapping[str, Any],
    verdict: Verdict,
    *,
    metric: str,
    margin: float,
    run: str,
    report: str,
    receipts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the report as one object that JSON can hold.

    Args:
        comparison: What `compare` returned.
        verdict: What `decide` returned.
        metric: The metric that decided.
        margin: Wins smaller than this did not count.
        run: Id of the run.
        report: Path of `report.html`.
        receipts: Receipts by name.
    """
    return {
        "run": run,
        "report": report,
        **comparison,
        "evaluation": {"metric": metric, "margin": margin},
        "verdict": verdict.to_json(),
        "receipts": dict(receipts),
    }
