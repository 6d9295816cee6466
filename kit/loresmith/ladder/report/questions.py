"""Every question with every rung's answer, side by side, and the keys a reader sorts them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loresmith.ladder.compare import Row, by_cost


@dataclass(frozen=True, slots=True)
class Reply:
    """One rung's answer to a question; `score` is that of the metric that decides."""

    rung: str
    row: Row
    score: float | None
    shipped: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the wanted reply and the answers, cheapest rung first.

    Args:
        score: Score of the shipped rung; 1 where the metric does not apply, so that it sorts last among the worst.
        gap: How much the best of the other rungs scores above the shipped one.
        spread: Highest minus lowest score.
    """

    number: int
    stratum: str
    question: str
    gold: str
    replies: tuple[Reply, ...]
    score: float
    gap: float
    spread: float


def side_by_side(rows_by_rung: Mapping[str, Sequence[Row]], metric: str, ship: str) -> list[Question]:
    """Return the questions in the order of the cheapest rung's answers."""
    ordered = by_cost(rows_by_rung)
    by_id: dict[str, Mapping[str, Row]] = {r: {row["id"]: row for row in rows_by_rung[r]} for r in ordered}
    questions = []
    for number, row in enumerate(rows_by_rung[ordered[0]], start=1):
        there = [(rung, by_id[rung][row["id"]]) for rung in ordered if row["id"] in by_id[rung]]
        replies = tuple(Reply(rung, found, found["scores"].get(metric), rung == ship) for rung, found in there)
        questions.append(_question(number, row, replies))
    return questions


def _question(number: int, row: Mapping[str, Any], replies: tuple[Reply, ...]) -> Question:
    scores = [reply.score for reply in replies if reply.score is not None]
    shipped = next((reply.score for reply in replies if reply.shipped and reply.score is not None), None)
    others = [reply.score for reply in replies if not reply.shipped and reply.score is not None]
    return Question(
        number=number,
        stratum=row["stratum"],
        question=row["question"],
        gold=row["gold"],
        replies=replies,
        score=1.0 if shipped is None else shipped,
        gap=max(others) - shipped if others and shipped is not None else 0.0,
        spread=max(scores) - min(scores) if scores else 0.0,
    )
