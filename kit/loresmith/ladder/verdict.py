"""The verdict: which rung to ship, whether that is proven, and why, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loresmith.ladder.compare import by_cost
from loresmith.ladder.stats import ALPHA


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rung to ship; `decided` is False where the figures leave it open and the cheapest is kept."""

    ship: str
    decided: bool
    why: str

    def to_json(self) -> dict[str, Any]:
        """Return what a report keeps."""
        return asdict(self)


def decide(comparison: Mapping[str, Any], rungs: Sequence[str], metric: str, margin: float) -> Verdict:
    """Return the verdict on the measured `rungs`.

    A rung beats another if it is better by `margin` or more, the interval of the difference excludes zero and p after
    Holm is below .05. What ships is the cheapest rung that no other beats. It is decided if that rung beats every
    cheaper one, or if no costlier one can be better by `margin` (their intervals end below it).

    Args:
        comparison: What `compare` returned.
        rungs: The rungs to choose from.
        metric: The metric that decides.
        margin: Smaller wins do not count.
    """
    return _Bench(comparison, by_cost(rungs), metric, margin).verdict()


def proven(pair: Mapping[str, Any], margin: float) -> bool:
    """Return whether the first rung of a pair beats the second."""
    return bool(pair["delta"] >= margin and pair["low"] > 0 and pair["p_holm"] < ALPHA)


def flipped(pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pair seen from its second rung."""
    turned = {"a": pair["b"], "b": pair["a"], "delta": -pair["delta"], "low": -pair["high"], "high": -pair["low"]}
    return {**pair, **turned}


class _Bench:
    """The figures of one metric, and the questions a verdict asks of them."""

    def __init__(self, comparison: Mapping[str, Any], rungs: list[str], metric: str, margin: float) -> None:
        self.rungs, self.metric, self.margin = rungs, metric, margin
        self.n = comparison["rungs"][rungs[0]]["n"]
        summaries = {rung: comparison["rungs"][rung]["metrics"] for rung in rungs}
        self.means = {rung: found[metric]["mean"] for rung, found in summaries.items() if metric in found}
        pairs = [pair for pair in comparison["pairs"] if pair["metric"] == metric]
        self.pairs = {(p["a"], p["b"]): p for pair in pairs for p in (pair, flipped(pair))}

    def verdict(self) -> Verdict:
        ship = next((r for r in self.rungs if not any(self.beats(o, r) for o in self.rungs)), self.rungs[0])
        cheaper, costlier = self._around(ship)
        if not self.means or not self.pairs:
            return Verdict(ship, decided=False, why=self._nothing_to_compare(ship))
        if cheaper and all(self.beats(ship, rung) for rung in cheaper):
            return Verdict(ship, decided=True, why=self._best(ship, cheaper) + self._open_lead(ship))
        if costlier and all(self._cannot_beat(rung, ship) for rung in costlier):
            return Verdict(ship, decided=True, why=self._enough(ship, costlier))
        return Verdict(ship, decided=False, why=self._undecided(ship))

    def beats(self, one: str, other: str) -> bool:
        pair = self.pairs.get((one, other))
        return pair is not None and proven(pair, self.margin)

    def _cannot_beat(self, one: str, other: str) -> bool:
        pair = self.pairs.get((one, other))
        return pair is not None and bool(pair["high"] < self.margin)

    def _around(self, ship: str) -> tuple[list[str], list[str]]:
        place = self.rungs.index(ship)
        return self.rungs[:place], self.rungs[place + 1 :]

    def _nothing_to_compare(self, ship: str) -> str:
        if len(self.rungs) == 1:
            return f"only {ship} was measured: there is nothing to compare it with"
        return f"no question has a {self.metric}: {ship} is kept because it is the cheapest"

    def _best(self, ship: str, cheaper: Sequence[str]) -> str:
        closest = min((self.pairs[ship, rung] for rung in cheaper), key=lambda pair: pair["delta"])
        others = "every cheaper rung" if len(cheaper) > 1 else closest["b"]
        over = f" over {closest['b']}, the closest" if len(cheaper) > 1 else ""
        return f"{ship} beats {others} on {self.metric}: by {_figures(closest)}{over}, p {_p(closest['p_holm'])}"

    def _open_lead(self, ship: str) -> str:
        best = max(self.means, key=lambda rung: self.means[rung])
        if self.means[best] <= self.means[ship]:
            return ""
        pair = self.pairs[best, ship]
        return f"; {best} scores higher still, by {_figures(pair)}, but {self._doubt(pair)}"

    def _enough(self, ship: str, costlier: Sequence[str]) -> str:
        lead = max((self.pairs[rung, ship] for rung in costlier), key=lambda pair: pair["high"])
        return (
            f"no costlier rung is better than {ship} by {self.margin:g} or more on {self.metric}: "
            f"the most that can be claimed is for {lead['a']}, {_figures(lead)}"
        )

    def _undecided(self, ship: str) -> str:
        best = max(self.means, key=lambda rung: self.means[rung])
        kept = f"{ship} is kept as the cheapest that none is proven better than"
        if best == ship:
            cheaper, costlier = self._around(ship)
            rest = [self.pairs[rung, ship] for rung in (*costlier, *cheaper) if (rung, ship) in self.pairs]
            near = max(rest, key=lambda pair: pair["high"])
            return f"undecided on {self.metric}: {near['a']} differs by {_figures(near)}, which leaves it open; {kept}"
        pair = self.pairs[best, ship]
        return f"undecided on {self.metric}: {best} leads {ship} by {_figures(pair)}, but {self._doubt(pair)}; {kept}"

    def _doubt(self, pair: Mapping[str, Any]) -> str:
        if pair["low"] <= 0:
            return f"{self.n} questions cannot tell that from nothing"
        if pair["p_holm"] >= ALPHA:
            return f"after Holm's correction that is not proven (p {_p(pair['p_holm'])})"
        return f"that is less than the margin of {self.margin:g}"


def _figures(pair: Mapping[str, Any]) -> str:
    return f"{pair['delta']:.3f} [{pair['low']:.3f}, {pair['high']:.3f}]"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
