"""How well held-out pairs are told apart, with 95 % intervals: Wilson's for shares, the bootstrap's for means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from loresmith.ladder.stats import mean_interval, share_interval

RESAMPLES = 10_000


def pair_figures(margins: Sequence[float], seed: int) -> dict[str, Any]:
    """Return the share of pairs whose margin (chosen above rejected) is positive, and the mean margin."""
    if not margins:
        return {"pairs": 0}
    return {
        "pairs": len(margins),
        "accuracy": asdict(share_interval(sum(margin > 0 for margin in margins), len(margins))),
        "margin": asdict(mean_interval(margins, RESAMPLES, seed)),
    }
