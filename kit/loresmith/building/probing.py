"""Asks held-out questions again for metrics that plant something in the passages.

It is done with the recipe's defence and without. The scores with it are scores of the rung like any others; both means
go into the receipt named after the metric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from loresmith.assistant.assistant import Assistant
from loresmith.knowledge.lookup import Lookup
from loresmith.modelstore.store import Report
from loresmith.specs import Metric, MetricSpec, ProbingMetric, Retriever
from loresmith.values import Answer, Example, Hit


class Planted:
    """A retriever in whose hits a metric plants something.

    Args:
        inner: The retriever.
        plant: Changes the hits of a query.
    """

    def __init__(self, inner: Retriever, plant: Callable[[str, Sequence[Hit]], list[Hit]]) -> None:
        self._inner, self._plant = inner, plant

    def prepare(self) -> None:
        """Build and save what the retriever keeps beside the vectors."""
        self._inner.prepare()

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query its hits, with what was planted among them."""
        found = self._inner.search(queries, k)
        return [self._plant(query, hits) for query, hits in zip(queries, found, strict=True)]


@dataclass(frozen=True)
class Probing:
    """Asks what probing metrics want to know of one rung.

    Args:
        lookup: The door to the live index.
        assistant: Makes the rung's assistant on a lookup.
        score: Scores an answer.
        report: Told what is being asked.
    """

    lookup: Lookup
    assistant: Callable[[Lookup], Assistant]
    score: Callable[[Example, Answer, Metric], float | None]
    report: Report

    def scores(
        self, metrics: Sequence[tuple[MetricSpec, Metric]], examples: Sequence[Example]
    ) -> tuple[dict[str, dict[str, float | None]], dict[str, dict[str, Any]]]:
        """Return the scores by metric and example, and by metric what its receipt says of the rung."""
        by_metric: dict[str, dict[str, float | None]] = {}
        receipts: dict[str, dict[str, Any]] = {}
        for spec, metric in metrics:
            if isinstance(metric, ProbingMetric):
                asked = examples[: metric.questions]
                defended = self._asked(spec.name, metric, asked)
                bare = self._asked(f"{spec.name}, no defence", metric, asked, injection="off")
                by_metric[spec.name] = defended
                receipts[spec.name] = {"n": len(asked), "score": _mean(defended), "without_defence": _mean(bare)}
        return by_metric, receipts

    def _asked(
        self, what: str, metric: ProbingMetric, examples: Sequence[Example], **settings: str
    ) -> dict[str, float | None]:
        planted = self.lookup.over(lambda retriever: Planted(retriever, metric.plant), **settings)
        answers = self.assistant(planted).answer(
            [example.prompt for example in examples],
            lambda done, total: self.report(f"asking again ({what})", done, total),
        )
        return {e.id: self.score(e, a, metric) for e, a in zip(examples, answers, strict=True)}


def _mean(scores: dict[str, float | None]) -> float | None:
    told = [score for score in scores.values() if score is not None]
    return fmean(told) if told else None
