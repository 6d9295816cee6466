"""The statistics of the ladder: paired bootstrap, McNemar, Holm, and what a sample can show at all.

Differences are taken question by question, so that what makes a question hard for every rung cancels out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALPHA = 0.05
"""What is called proven; intervals hold 1 - ALPHA."""

_Z_ALPHA = 1.959963984540054  # 97.5 % quantile of the normal distribution: alpha .05, two-sided
_Z_POWER = 0.8416212335729143  # 80 % quantile: the power asked for
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % percentile interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean paired difference, its 95 % percentile interval and the two-sided p of *no difference*."""

    delta: float
    low: float
    high: float
    p: float


def mean_interval(scores: Sequence[float], resamples: int, seed: int) -> Interval:
    """Return the mean of one or more scores with its bootstrap percentile interval (Efron 1979)."""
    means = _resampled_means(scores, resamples, seed)
    low, high = _percentiles(means)
    return Interval(math.fsum(scores) / len(scores), low, high)


def share_interval(hits: int, count: int) -> Interval:
    """Return a share with its interval (Wilson 1927): honest for few rows and for shares near 0 and 1."""
    share, z = hits / count, _Z_ALPHA * _Z_ALPHA / count
    centre = (share + z / 2) / (1 + z)
    half = math.sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def paired_difference(
    one: Sequence[float], other: Sequence[float], resamples: int, seed: int, *, binary: bool = False
) -> Difference:
    """Compare two rungs on the same questions, in the same order.

    Args:
        one: Scores of the first rung.
        other: Scores of the second; the difference is first minus second.
        resamples: Bootstrap resamples of the questions.
        seed: Seed of the resamples.
        binary: Scores are 0 or 1: p is McNemar's exact one in place of the bootstrap's.
    """
    differences = [a - b for a, b in zip(one, other, strict=True)]
    means = _resampled_means(differences, resamples, seed)
    low, high = _percentiles(means)
    p = mcnemar_p(one, other) if binary else _bootstrap_p(differences, means)
    return Difference(math.fsum(differences) / len(differences), low, high, p)


def mcnemar_p(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the two-sided exact p of McNemar (1947): a binomial test on what one rung alone gets right."""
    won = sum(a > b for a, b in zip(one, other, strict=True))
    lost = sum(a < b for a, b in zip(one, other, strict=True))
    tail = sum(math.comb(won + lost, k) for k in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / (1 << (won + lost)))


def holm(ps: Sequence[float]) -> list[float]:
    """Return the p values corrected for having made all these comparisons (Holm 1979), in the order given."""
    adjusted = [0.0] * len(ps)
    floor = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        floor = max(floor, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = floor
    return adjusted


def minimum_detectable(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return the true difference that this many questions find four times in five, at alpha .05; None below two.

    (z_.975 + z_.80) * s / sqrt(n), with s the standard deviation of the paired differences.
    """
    n = len(one)
    if n < 2:
        return None
    differences = [a - b for a, b in zip(one, other, strict=True)]
    mean = math.fsum(differences) / n
    variance = math.fsum((d - mean) ** 2 for d in differences) / (n - 1)
    return (_Z_ALPHA + _Z_POWER) * math.sqrt(variance / n)


def _resampled_means(values: Sequence[float], resamples: int, seed: int) -> NDArray[np.float64]:
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    drawn = np.random.default_rng(seed)
    means = np.empty(resamples)
    rows = max(1, _BLOCK // len(array))
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        means[start : start + count] = array[drawn.integers(len(array), size=(count, len(array)))].mean(axis=1)
    return means


def _percentiles(means: NDArray[np.float64]) -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(means, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def _bootstrap_p(differences: Sequence[float], means: NDArray[np.float64]) -> float:
    # Twice the share of resamples on the far side of zero. A handful of questions that all point one way never
    # crosses zero, so p is kept from falling below what a sign test on them could reach.
    tail = min(int((means <= 0).sum()), int((means >= 0).sum()))
    bootstrap = 2 * (tail + 1) / (len(means) + 1)
    return min(1.0, max(bootstrap, 2.0 ** (1 - sum(d != 0 for d in differences))))
