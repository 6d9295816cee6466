"""Intervals and shares drawn with characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from loresmith_tui.shown import signs


def interval(mean: float, low: float, high: float, width: int, span: tuple[float, float] = (0.0, 1.0)) -> str:
    """Return a mean with its interval on a line that stands for `span`.

    Args:
        mean: The mean.
        low: Where the interval begins.
        high: Where it ends.
        width: Columns there are.
        span: What the first and the last column stand for.
    """
    drawn = signs()
    begin, at, end = (_column(value, width, span) for value in (low, mean, high))
    line = [" "] * width
    line[begin : end + 1] = drawn.line * (end + 1 - begin)
    line[begin], line[end] = drawn.low, drawn.high
    line[at] = drawn.mean
    return "".join(line)


def span_of(figures: Iterable[Mapping[str, float]]) -> tuple[float, float]:
    """Return the span that holds all intervals, with a little room around them."""
    found = [(each["low"], each["high"]) for each in figures]
    if not found:
        return 0.0, 1.0
    low, high = min(low for low, _ in found), max(high for _, high in found)
    room = max((high - low) * 0.05, 0.005)
    return low - room, high + room


def share(done: float, total: float, width: int) -> str:
    """Return how much of a whole is done."""
    drawn = signs()
    full = round(width * min(1.0, done / total)) if total > 0 else 0
    return drawn.full * full + drawn.empty * (width - full)


def _column(value: float, width: int, span: tuple[float, float]) -> int:
    low, high = span
    place = (value - low) / (high - low) if high > low else 0.0
    return max(0, min(width - 1, round(place * (width - 1))))
