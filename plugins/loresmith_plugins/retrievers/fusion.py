"""How two rankings become one: by their scores, or by their ranks.

    scores(c) = Σ_w weight_w · trust_w · (s_w(c) - mean_w) / deviation_w  /  Σ_w weight_w
    ranks(c)  = Σ_w weight_w / (rrf_k + rank_w(c))

over the ways w, with ranks counted from 1. Standardised over all chunks of the index, a score says how far a chunk
stands out, which ranks forget. How far a way is trusted is for it to say, question by question: words as far as one
chunk says them all. Ranks are fused by reciprocal rank, after Cormack, Clarke and Büttcher (2009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Ranking = Sequence[tuple[str, float]]
"""(chunk id, score), best first."""

Fused = list[tuple[str, dict[str, float]]]
"""(chunk id, scores), best first."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What one way says of the candidates of one query.

    Args:
        scores: Score by chunk id.
        mean: Mean of the scores over all chunks of the index.
        deviation: Their standard deviation.
        trust: How far the way is to be trusted with the query, from 0 to 1.
    """

    scores: Mapping[str, float]
    mean: float
    deviation: float
    trust: float = 1.0

    def standard(self, id_: str) -> float:
        """Return a candidate's score in standard deviations above the mean chunk."""
        return (self.scores[id_] - self.mean) / self.deviation if self.deviation > 0 else 0.0


class Way(Protocol):
    """What one way says of a batch of queries."""

    def best(self, depth: int) -> list[Ranking]:
        """Return for each query the best chunks, at most `depth`."""

    def scored(self, query: int, ids: Sequence[str]) -> Scored:
        """Return the scores that some chunks have for a query, by its position in the batch."""


def by_scores(ways: Mapping[str, Scored], weights: Mapping[str, float]) -> Fused:
    """Fuse by standardised scores; every way must have scored every candidate.

    The scores of a chunk are `<way>`, `<way>_z` and `<way>_weight` of each way, and `fused`. Ties go to the smaller id.
    """
    total = sum(weights[way] for way in ways)
    fused: Fused = []
    for id_ in next(iter(ways.values())).scores:
        entry: dict[str, float] = {}
        for way, scored in ways.items():
            weight = weights[way] * scored.trust / total
            entry |= {way: scored.scores[id_], f"{way}_z": scored.standard(id_), f"{way}_weight": weight}
        entry["fused"] = sum(entry[f"{way}_weight"] * entry[f"{way}_z"] for way in ways)
        fused.append((id_, entry))
    return sorted(fused, key=lambda item: (-item[1]["fused"], item[0]))


def by_ranks(rankings: Mapping[str, Ranking], weights: Mapping[str, float], rrf_k: float) -> Fused:
    """Fuse by ranks.

    The scores of a chunk are `<way>` and `<way>_rank` for each way that found it, and `rrf`. Ties go to the chunk with
    the better single rank, then to the smaller id, so that the order never depends on chance.
    """
    scores: dict[str, dict[str, float]] = {}
    for way, ranking in rankings.items():
        for rank, (id_, score) in enumerate(ranking, 1):
            entry = scores.setdefault(id_, {"rrf": 0.0})
            entry[way] = score
            entry[f"{way}_rank"] = float(rank)
            entry["rrf"] += weights[way] / (rrf_k + rank)
    return sorted(scores.items(), key=lambda item: (-item[1]["rrf"], _best_rank(item[1]), item[0]))


def _best_rank(scores: Mapping[str, float]) -> float:
    return min(value for name, value in scores.items() if name.endswith("_rank"))
