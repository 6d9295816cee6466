"""The course of a figure that jumps from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

N = TypeVar("N", int, float)

SHARE = 20
"""Of so many steps the mean reaches one to either side."""


def running_mean(series: Sequence[tuple[N, float]]) -> list[tuple[N, float]]:
    """Return for each step the mean of the values around it: a twentieth of all steps to either side, at least one."""
    reach, end = max(1, len(series) // SHARE), len(series)
    sums = list(accumulate((value for _, value in series), initial=0.0))
    bounds = ((max(0, index - reach), min(end, index + reach + 1)) for index in range(end))
    return [(step, (sums[b] - sums[a]) / (b - a)) for (step, _), (a, b) in zip(series, bounds, strict=True)]
