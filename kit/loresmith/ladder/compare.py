"""From the answers of every rung to the figures: means, paired differences, what the sample can show, strata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from loresmith.errors import LoresmithError
from loresmith.ladder.stats import holm, mean_interval, minimum_detectable, paired_difference
from loresmith.rungs import RUNGS

Row = Mapping[str, Any]
"""A row of `answers/<rung>.jsonl`."""

STRATA = ("answerable", "unanswerable")
COSTS = ("tokens_in", "tokens_out", "seconds")


def compare(
    rows_by_rung: Mapping[str, Sequence[Row]],
    metrics: Sequence[tuple[str, bool]],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """Return the part of `report.json` that is computed from answers.

    `rungs` (n, per metric mean and 95 % interval; tokens and seconds as means per answer), `pairs` (costlier minus
    cheaper, for every pair and metric, p corrected by Holm within a metric), `minimum_detectable` (by metric, for the
    pair it is largest for) and `strata` (by stratum, as `rungs`). A metric that applies to no question is left
    out; one that applies to some is compared on those that both rungs have it for.

    Args:
        rows_by_rung: Answers by rung; every rung must have answered the same questions.
        metrics: Names, and whether scores are only 0 or 1.
        resamples: Bootstrap resamples.
        seed: Their seed.

    Raises:
        LoresmithError: If the rungs did not answer the same questions.
    """
    ordered = {rung: _by_id(rows_by_rung[rung]) for rung in by_cost(rows_by_rung)}
    _require_same_questions(ordered)
    names = [name for name, _ in metrics]
    pairs: list[dict[str, Any]] = []
    detectable = {}
    for name, binary in metrics:
        found, smallest = _pairs(ordered, name, resamples, seed, binary=binary)
        pairs += found
        if smallest is not None:
            detectable[name] = smallest
    return {
        "rungs": {rung: _summary(list(rows.values()), names, resamples, seed) for rung, rows in ordered.items()},
        "pairs": pairs,
        "minimum_detectable": detectable,
        "strata": _strata(ordered, names, resamples, seed),
    }


def by_cost(rungs: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Return rungs cheapest first; unknown ones last."""
    return sorted(rungs, key=lambda rung: RUNGS.index(rung) if rung in RUNGS else len(RUNGS))


def _by_id(rows: Sequence[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in sorted(rows, key=lambda row: str(row["id"]))}


def _require_same_questions(ordered: Mapping[str, Mapping[str, Row]]) -> None:
    first, *others = ordered
    for rung in others:
        apart = ordered[first].keys() ^ ordered[rung].keys()
        if apart:
            raise LoresmithError(
                f'rungs "{first}" and "{rung}" did not answer the same questions: {len(apart)} are in one of them only',
                "Run `loresmith eval` again for both.",
            )
    if not ordered[first]:
        raise LoresmithError("no rung answered any question", "The test side of the split is empty.")


def _summary(rows: Sequence[Row], names: Sequence[str], resamples: int, seed: int) -> dict[str, Any]:
    metrics = {}
    for name in names:
        scores = [score for row in rows if (score := row["scores"].get(name)) is not None]
        if scores:
            interval = mean_interval(scores, resamples, seed)
            metrics[name] = {"mean": interval.mean, "low": interval.low, "high": interval.high}
    costs = {cost: sum(row[cost] for row in rows) / len(rows) for cost in COSTS}
    return {"n": len(rows), "metrics": metrics, **costs}


def _pairs(
    ordered: Mapping[str, Mapping[str, Row]], name: str, resamples: int, seed: int, *, binary: bool
) -> tuple[list[dict[str, Any]], float | None]:
    pairs: list[dict[str, Any]] = []
    detectable = []
    for cheap, costly in combinations(ordered, 2):
        one, other = _paired(ordered[costly], ordered[cheap], name)
        if not one:
            continue
        found = paired_difference(one, other, resamples, seed, binary=binary)
        pairs.append({"a": costly, "b": cheap, "metric": name, "delta": found.delta, "low": found.low})
        pairs[-1] |= {"high": found.high, "p": found.p}
        detectable.append(minimum_detectable(one, other))
    for pair, corrected in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        pair["p_holm"] = corrected
    return pairs, max((d for d in detectable if d is not None), default=None)


def _paired(one: Mapping[str, Row], other: Mapping[str, Row], name: str) -> tuple[list[float], list[float]]:
    scores = [(row["scores"].get(name), other[id_]["scores"].get(name)) for id_, row in one.items()]
    both = [(a, b) for a, b in scores if a is not None and b is not None]
    return [a for a, _ in both], [b for _, b in both]


def _strata(
    ordered: Mapping[str, Mapping[str, Row]], names: Sequence[str], resamples: int, seed: int
) -> dict[str, dict[str, Any]]:
    strata: dict[str, dict[str, Any]] = {}
    for rung, rows in ordered.items():
        there = {row["stratum"] for row in rows.values()}
        for stratum in sorted(there, key=lambda s: (STRATA.index(s) if s in STRATA else len(STRATA), s)):
            inside = [row for row in rows.values() if row["stratum"] == stratum]
            strata.setdefault(stratum, {})[rung] = _summary(inside, names, resamples, seed)
    return strata
