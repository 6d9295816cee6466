"""Reciprocal rank fusion.

    rrf(c) = Σ_w weight_w / (rrf_k + rank_w(c))        over the ways w that found chunk c, ranks counted from 1

after Cormack, Clarke and Büttcher (2009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Ranking = Sequence[tuple[str, float]]
"""(chunk id, score), best first."""


def fuse(
    rankings: Mapping[str, Ranking], weights: Mapping[str, float], rrf_k: float
) -> list[tuple[str, dict[str, float]]]:
    """Return chunk ids with all their scores, best first.

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
