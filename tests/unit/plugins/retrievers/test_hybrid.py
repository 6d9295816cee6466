from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from loresmith.testing import check_retriever
from loresmith_plugins.retrievers.finder import as_retriever
from loresmith_plugins.retrievers.hybrid import HybridOptions
from loresmith_plugins.retrievers.hybrid.retriever import HybridFinder
from loresmith_plugins.retrievers.meaning import Meaning
from vector_arc import TEXTS, Arc, context


def retriever(folder: Path, options: dict[str, Any] | None = None, **more: Any) -> Any:
    return as_retriever(HybridFinder(HybridOptions(**options or {}), context(folder, **more)))


@pytest.mark.parametrize("fusion", ["scores", "ranks"])
def test_it_conforms(tmp_path: Path, fusion: str) -> None:
    check_retriever(retriever(tmp_path, {"fusion": fusion}), ["a dog", "fare", "refunds for cancelled sailings"])


def test_hits_carry_every_score(tmp_path: Path) -> None:
    hit = retriever(tmp_path).search(["dogs on deck"], 1)[0][0]
    assert hit.chunk.document == "dogs.md"
    assert set(hit.scores) == {
        "dense", "dense_z", "dense_weight", "bm25", "bm25_z", "bm25_weight", "fused",
    }  # fmt: skip
    assert hit.score == hit.scores["fused"]
    ranks = retriever(tmp_path, {"fusion": "ranks"}).search(["dogs on deck"], 1)[0][0]
    assert set(ranks.scores) == {"dense", "dense_rank", "bm25", "bm25_rank", "rrf"}


def test_words_decide_where_one_chunk_says_the_whole_question(tmp_path: Path) -> None:
    texts = {f"{n:02}": f"Number {n} is here." for n in range(12)} | {"zebra": "Zebra crossing on Quay Street."}
    # By its length the query lies nearest to chunk 01; by its words, to the one that says all of them.
    (hits,) = retriever(tmp_path, texts=texts).search(["zebra crossing Quay Street 3"], 2)
    assert hits[0].chunk.id == "zebra"
    assert hits[0].scores["bm25_weight"] > 0.3


def test_words_by_chance_weigh_little(tmp_path: Path) -> None:
    texts = {f"{n:02}": f"Number {n} is here." for n in range(12)} | {"zebra": "Zebra crossing on Quay Street."}
    query = "which beasts with stripes may walk over a street at night and why"
    (hits,) = retriever(tmp_path, texts=texts).search([query], 13)
    zebra = next(hit for hit in hits if hit.chunk.id == "zebra")
    assert zebra.scores["bm25"] > 0
    assert zebra.scores["bm25_weight"] < 0.2


def test_a_query_without_known_words_is_left_to_the_vectors(tmp_path: Path) -> None:
    (hits,) = retriever(tmp_path).search(["zzz unknown"])
    assert [hit.scores["bm25_weight"] for hit in hits] == [0] * 4
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_what_only_words_find_gets_its_exact_cosine(tmp_path: Path) -> None:
    arc = Arc(list(TEXTS))
    (hits,) = retriever(tmp_path, {"candidates": 1, "k": 1}, store=arc).search(["refunds paid"], 1)
    # A query of this length is nearest to "dogs"; "refund" is found by words alone, 60 degrees off.
    assert arc.asked[0] == ["refund"]
    assert {hit.chunk.id: hit.scores["dense"] for hit in hits} == {"refund": pytest.approx(0.5)}


def test_the_sample_of_vectors_is_kept_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retriever(tmp_path).prepare()
    assert (tmp_path / "sample/vectors.npy").is_file()
    expected = retriever(tmp_path).search(["dogs"])[0][0].scores

    def never(*_: Any) -> Any:
        raise AssertionError("the sample was drawn, not read")

    monkeypatch.setattr(Meaning, "_drawn", never)
    assert retriever(tmp_path).search(["dogs"])[0][0].scores == expected
    retriever(tmp_path).prepare()


def test_a_way_of_weight_zero_is_not_asked(tmp_path: Path) -> None:
    dense = retriever(tmp_path / "a", {"bm25": 0})
    dense.prepare()
    assert not (tmp_path / "a/bm25").exists()
    assert all("bm25" not in hit.scores for hit in dense.search(["dogs"])[0])
    words = retriever(tmp_path / "b", {"dense": 0})
    assert [hit.chunk.id for hit in words.search(["dogs"])[0]] == ["dogs"]
    with pytest.raises(ValidationError, match="both 0"):
        HybridOptions(dense=0, bm25=0)


def test_a_recipe_of_before_that_names_the_constant_of_ranks_is_fused_by_ranks() -> None:
    kept = {"k": 3, "candidates": 50, "rrf_k": 60, "dense": 1, "bm25": 1}
    assert HybridOptions.model_validate(kept).fusion == "ranks"
    assert HybridOptions.model_validate({"k": 3}).fusion == "scores"
    assert HybridOptions.model_validate({"rrf_k": 60, "fusion": "scores"}).fusion == "scores"


def test_a_floor_over_ranks_is_refused() -> None:
    with pytest.raises(ValidationError, match="floor needs fusion: scores"):
        HybridOptions(fusion="ranks", floor=1)


def test_k_of_the_call_beats_that_of_the_recipe_and_may_exceed_the_candidates(tmp_path: Path) -> None:
    built = retriever(tmp_path, {"k": 2, "candidates": 1})
    assert len(built.search(["dogs"])[0]) == 2
    assert len(built.search(["dogs"], 4)[0]) == 4
