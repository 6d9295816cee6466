"""How well held-out pairs are told apart, with 95 % intervals: Wilson's for shares, the bootstrap's for means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from loresmith.ladder.stats import mean_interval

RESAMPLES = 10_000
Z = 1.959963984540054
"""97.5 % quantile of the normal distribution."""


def pair_figures(margins: Sequence[float], seed: int) -> dict[str, Any]:
    """Return the share of pairs whose margin (chosen above rejected) is positive, and the mean margin."""
    if not margins:
        return {"pairs": 0}
    return {
        "pairs": len(margins),
        "accuracy": share_interval(sum(margin > 0 for margin in margins), len(margins)),
        "margin": asdict(mean_interval(margins, RESAMPLES, seed)),
    }


def share_interval(hits: int, count: int) -> dict[str, float]:
    """Return a share with its interval (Wilson, 1927): honest for few rows and for shares near 0 and 1."""
    share, z = hits / count, Z * Z / count
    centre = (share + z / 2) / (1 + z)
    half = math.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return {"mean": share, "low": max(0.0, centre - half), "high": min(1.0, centre + half)}
