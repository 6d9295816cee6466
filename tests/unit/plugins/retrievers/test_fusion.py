from __future__ import annotations

import pytest

from loresmith_plugins.retrievers.fusion import Scored, by_ranks, by_scores

EVEN = {"dense": 1.0, "bm25": 1.0}


def test_ranks_add_the_weighted_reciprocals() -> None:
    rankings = {"dense": [("a", 0.9), ("b", 0.5)], "bm25": [("b", 7.0), ("c", 1.0)]}
    fused = by_ranks(rankings, {"dense": 1.0, "bm25": 2.0}, 10)
    assert [id_ for id_, _ in fused] == ["b", "c", "a"]
    assert fused[0][1] == pytest.approx(
        {"rrf": 1 / 12 + 2 / 11, "dense": 0.5, "dense_rank": 2, "bm25": 7, "bm25_rank": 1}
    )
    assert fused[2][1] == pytest.approx({"rrf": 1 / 11, "dense": 0.9, "dense_rank": 1})


def test_equal_ranks_go_to_the_better_single_rank_then_to_the_smaller_id() -> None:
    rankings = {"dense": [("z", 1.0), ("y", 0.9)], "bm25": [("b", 2.0), ("y", 1.0)]}
    assert [id_ for id_, _ in by_ranks(rankings, EVEN, 0)] == ["b", "z", "y"]


def test_scores_are_standardised_weighted_and_trusted() -> None:
    dense = Scored({"a": 0.9, "b": 0.5}, mean=0.1, deviation=0.2)
    words = Scored({"a": 0.0, "b": 7.0}, mean=1.0, deviation=2.0, trust=0.5)
    fused = by_scores({"dense": dense, "bm25": words}, {"dense": 1.0, "bm25": 3.0})
    assert [id_ for id_, _ in fused] == ["b", "a"]
    assert fused[0][1] == pytest.approx({
        "dense": 0.5, "dense_z": 2.0, "dense_weight": 0.25,
        "bm25": 7.0, "bm25_z": 3.0, "bm25_weight": 0.375,
        "fused": 0.25 * 2 + 0.375 * 3,
    })  # fmt: skip


def test_a_way_that_tells_no_chunk_from_another_decides_nothing() -> None:
    same = Scored({"a": 0.5, "b": 0.5}, mean=0.5, deviation=0.0)
    words = Scored({"a": 0.0, "b": 1.0}, mean=0.0, deviation=1.0)
    assert [id_ for id_, _ in by_scores({"dense": same, "bm25": words}, EVEN)] == ["b", "a"]


def test_equal_scores_go_to_the_smaller_id() -> None:
    same = Scored({"b": 1.0, "a": 1.0}, mean=0.0, deviation=1.0)
    assert [id_ for id_, _ in by_scores({"dense": same}, {"dense": 1.0})] == ["a", "b"]
