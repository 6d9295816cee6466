"""Where things lie in the drawings: positions in percent, so that a drawing stretches without distorting its marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loresmith.ladder.compare import by_cost
from loresmith.ladder.verdict import flipped, proven
from loresmith.runs.smoothing import running_mean

EDGE = 3.0
"""Percent kept free at either end of an axis, for marks that lie on it."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis from `low` to `high` with round ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Iterable[float], count: int = 5) -> Scale:
        """Return an axis that holds all values and begins and ends on a tick."""
        there = list(values)
        low, high = min(there), max(there)
        step = _round_step((high - low or abs(high) or 1.0) / count)
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        last = max(last, first + 1)
        ticks = tuple(round(step * index, 10) for index in range(first, last + 1))
        return cls(ticks[0], ticks[-1], ticks)

    def at(self, value: float) -> float:
        """Return where a value lies, in percent."""
        return round(EDGE + (100 - 2 * EDGE) * (value - self.low) / (self.high - self.low), 3)


@dataclass(frozen=True, slots=True)
class Mark:
    """A dot with its whisker.

    Args:
        name: What is marked.
        other: What it is compared with, for differences.
        mean: The value; `low` and `high` are its interval.
        x: Where the value lies, in percent; `left` and `right` are the ends of the whisker.
        strong: Drawn in the accent colour (the shipped rung) or filled (a proven difference).
        p: The corrected p of a difference.
    """

    name: str
    mean: float
    low: float
    high: float
    x: float
    left: float
    right: float
    strong: bool
    other: str = ""
    p: float = 1.0


@dataclass(frozen=True, slots=True)
class Dots:
    """Dots with whiskers on one axis. `band` is the range within the margin, in percent, around zero."""

    metric: str
    marks: tuple[Mark, ...]
    ticks: tuple[tuple[float, str], ...]
    zero: float | None = None
    band: tuple[float, float] | None = None


def ladder(report: Mapping[str, Any], metric: str) -> Dots:
    """Return the means of a metric, cheapest rung first."""
    rungs = {rung: report["rungs"][rung]["metrics"].get(metric) for rung in by_cost(report["rungs"])}
    found = {rung: interval for rung, interval in rungs.items() if interval}
    values = [value for interval in found.values() for value in interval.values()]
    scale = Scale.over(values, count=5 if metric == report["evaluation"]["metric"] else 3)
    ship = report["verdict"]["ship"]
    marks = (_mark(scale, rung, interval, strong=rung == ship) for rung, interval in found.items())
    return Dots(metric, tuple(marks), _ticks(scale))


def differences(report: Mapping[str, Any], metric: str) -> Dots | None:
    """Return the paired differences of a metric, the shipped rung's first and seen from it; None without pairs."""
    ship, margin = report["verdict"]["ship"], report["evaluation"]["margin"]
    pairs = [flipped(p) if p["b"] == ship else p for p in report["pairs"] if p["metric"] == metric]
    if not pairs:
        return None
    pairs.sort(key=lambda pair: pair["a"] != ship)
    scale = Scale.over([margin, -margin, *(pair[end] for pair in pairs for end in ("low", "high"))], count=6)
    marks = (
        _mark(scale, pair["a"], pair, strong=proven(pair, margin) or proven(flipped(pair), margin)) for pair in pairs
    )
    return Dots(metric, tuple(marks), _ticks(scale, "+g"), scale.at(0), (scale.at(-margin), scale.at(margin)))


@dataclass(frozen=True, slots=True)
class Curve:
    """Losses over steps, in percent from the left and the top; `points` is what an SVG polyline takes."""

    points: str
    dots: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True, slots=True)
class LossChart:
    """The losses of one stage: every step, their running mean, the dev split; the best dev loss."""

    stage: str
    steps: Curve
    smooth: Curve
    dev: Curve
    best: tuple[float, float, int, float] | None
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    summary: str


def losses(events: Sequence[Mapping[str, Any]]) -> list[LossChart]:
    """Return a chart a stage, from events `step` and `dev`; losses that are not finite are left out."""
    stages: dict[str, dict[str, dict[int, float]]] = {}
    for event in events:
        if event.get("event") in ("step", "dev") and math.isfinite(event["loss"]):
            # A resumed run repeats steps; the last account of a step is the one that counts.
            kinds = stages.setdefault(str(event.get("stage", "")), {"step": {}, "dev": {}})
            kinds[event["event"]][int(event["step"])] = float(event["loss"])
    return [_loss_chart(stage, sorted(k["step"].items()), sorted(k["dev"].items())) for stage, k in stages.items()]


def _loss_chart(stage: str, train: list[tuple[int, float]], dev: list[tuple[int, float]]) -> LossChart:
    smooth = running_mean(train)
    across = Scale.over(step for step, _ in train + dev)
    up = Scale.over(loss for _, loss in train + dev)
    best = min(dev, key=lambda point: point[1], default=None)
    said = [f"training loss {smooth[0][1]:.2f} to {smooth[-1][1]:.2f}"] if train else []
    said += [f"best dev loss {best[1]:.2f} at step {best[0]}"] if best else []
    return LossChart(
        stage=stage,
        steps=_curve(across, up, train),
        smooth=_curve(across, up, smooth),
        dev=_curve(across, up, dev),
        best=(across.at(best[0]), 100 - up.at(best[1]), *best) if best else None,
        across=tuple((across.at(tick), f"{tick:g}") for tick in across.ticks if float(tick).is_integer()),
        up=tuple((round(100 - up.at(tick), 3), f"{tick:g}") for tick in up.ticks),
        summary=", ".join(said),
    )


def _curve(across: Scale, up: Scale, series: Sequence[tuple[int, float]]) -> Curve:
    places = [(across.at(step), round(100 - up.at(loss), 3)) for step, loss in series]
    dots = tuple((x, y, f"step {s}: {v:.3f}") for (x, y), (s, v) in zip(places, series, strict=True))
    return Curve(" ".join(f"{x},{y}" for x, y in places), dots)


def _mark(scale: Scale, name: str, found: Mapping[str, Any], *, strong: bool) -> Mark:
    mean = found.get("mean", found.get("delta", 0.0))
    return Mark(
        name=name,
        mean=mean,
        low=found["low"],
        high=found["high"],
        x=scale.at(mean),
        left=scale.at(found["low"]),
        right=scale.at(found["high"]),
        strong=strong,
        other=found.get("b", ""),
        p=found.get("p_holm", 1.0),
    )


def _ticks(scale: Scale, form: str = "g") -> tuple[tuple[float, str], ...]:
    return tuple((scale.at(tick), "0" if tick == 0 else format(tick, form)) for tick in scale.ticks)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough * (1 - 1e-9))
