from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from loresmith.specs import Retriever, RetrieverContext
from loresmith.testing import check_retriever
from loresmith.values import Chunk, Hit
from loresmith_plugins.retrievers.hybrid import HybridOptions
from loresmith_plugins.retrievers.hybrid.fusion import fuse
from loresmith_plugins.retrievers.hybrid.retriever import hybrid_retriever
from loresmith_plugins.retrievers.hybrid.words import WordIndex

TEXTS = {
    "dogs": "Dogs travel free on the open deck. A dog in a cabin pays.",
    "fares": "The single fare is 9.40 marks on route 7.",
    "refund": "Refunds are paid when the Line cancels a sailing.",
    "blank": "and of the",
}


def chunks(texts: dict[str, str] = TEXTS) -> dict[str, Chunk]:
    return {name: Chunk(name, f"{name}.md", 0, len(text), text, "") for name, text in texts.items()}


class Line:
    """A store whose vectors lie on a line: chunk n is nearest to the query n."""

    def search(self, vectors: Any, k: int) -> list[list[tuple[str, float]]]:
        order = list(TEXTS)
        scored = [[(name, 1 - abs(n - float(v[0]))) for n, name in enumerate(order)] for v in vectors]
        return [sorted(row, key=lambda pair: -pair[1])[:k] for row in scored]


def context(folder: Path, fingerprint: str = "1", **more: Any) -> RetrieverContext:
    def embed(queries: Sequence[str]) -> Any:
        return np.array([[float(len(query) % 4)] for query in queries], dtype=np.float32)

    return RetrieverContext(folder, fingerprint, more.pop("chunks", chunks()), embed, Line, **more)


def retriever(folder: Path, options: dict[str, Any] | None = None, **more: Any) -> Any:
    return hybrid_retriever(HybridOptions(**options or {}), context(folder, **more))


def test_fusion_adds_the_weighted_reciprocals_of_the_ranks() -> None:
    rankings = {"dense": [("a", 0.9), ("b", 0.5)], "bm25": [("b", 7.0), ("c", 1.0)]}
    fused = fuse(rankings, {"dense": 1.0, "bm25": 2.0}, 10)
    assert [id_ for id_, _ in fused] == ["b", "c", "a"]
    assert fused[0][1] == pytest.approx(
        {"rrf": 1 / 12 + 2 / 11, "dense": 0.5, "dense_rank": 2, "bm25": 7, "bm25_rank": 1}
    )
    assert fused[2][1] == pytest.approx({"rrf": 1 / 11, "dense": 0.9, "dense_rank": 1})


def test_ties_go_to_the_better_rank_then_to_the_smaller_id() -> None:
    rankings = {"dense": [("z", 1.0), ("y", 0.9)], "bm25": [("b", 2.0), ("y", 1.0)]}
    weights = {"dense": 1.0, "bm25": 1.0}
    assert [id_ for id_, _ in fuse(rankings, weights, 0)] == ["b", "z", "y"]


def test_it_conforms_and_is_a_langchain_retriever(tmp_path: Path) -> None:
    from langchain_core.retrievers import BaseRetriever

    built = retriever(tmp_path)
    assert isinstance(built, BaseRetriever)
    assert isinstance(built, Retriever)
    check_retriever(built, ["a dog", "fare", "refunds for cancelled sailings"])


def test_hits_carry_the_scores_of_both_ways(tmp_path: Path) -> None:
    hit = retriever(tmp_path).search(["dogs on deck"], 1)[0][0]
    assert hit.chunk.document == "dogs.md"
    assert set(hit.scores) == {"dense", "dense_rank", "bm25", "bm25_rank", "rrf"}
    assert hit.score == hit.scores["rrf"]


def test_words_are_found_in_any_form_and_numbers_of_one_digit_count(tmp_path: Path) -> None:
    words = WordIndex(tmp_path / "bm25", "1", chunks())
    found = words.search(["CANCELLED sailings", "refunding", "7", "dogs'"], 3)
    assert [row[0][0] for row in found] == ["refund", "refund", "fares", "dogs"]


@pytest.mark.parametrize("query", ["", "of the and", "zzz unknown", "¿?"])
def test_a_query_without_known_words_is_left_to_the_vectors(tmp_path: Path, query: str) -> None:
    assert WordIndex(tmp_path / "bm25", "1", chunks()).search([query], 3) == [[]]
    hits = retriever(tmp_path).search([query])[0]
    assert hits
    assert all("bm25" not in hit.scores for hit in hits)


def test_chunks_without_a_single_word_are_no_obstacle(tmp_path: Path) -> None:
    for _ in range(2):
        words = WordIndex(tmp_path / "bm25", "1", chunks({"blank": "and of the"}))
        words.save()
        assert words.search(["dogs"], 3) == [[]]


def test_the_word_index_is_kept_without_pickles_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retriever(tmp_path).prepare()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert {path.suffix for path in files} == {".npy", ".json"}
    expected = WordIndex(tmp_path / "none", "1", chunks()).search(["dogs"], 3)
    monkeypatch.setattr(WordIndex, "_make", _never)
    assert WordIndex(tmp_path / "bm25", "1", chunks()).search(["dogs"], 3) == expected
    retriever(tmp_path).prepare()


def test_a_word_index_of_other_chunks_is_made_anew(tmp_path: Path) -> None:
    retriever(tmp_path).prepare()
    other = chunks({**TEXTS, "cats": "Cats stay at home."})
    changed = WordIndex(tmp_path / "bm25", "2", other)
    assert changed.search(["cat"], 1)[0][0][0] == "cats"
    changed.save()
    assert WordIndex(tmp_path / "bm25", "2", other).search(["cat"], 1)[0][0][0] == "cats"


def test_a_damaged_stamp_is_a_stale_index(tmp_path: Path) -> None:
    retriever(tmp_path).prepare()
    (tmp_path / "bm25/fingerprint.json").write_text("{")
    assert WordIndex(tmp_path / "bm25", "1", chunks()).search(["dogs"], 1)[0][0][0] == "dogs"


def test_a_way_of_weight_zero_is_not_asked(tmp_path: Path) -> None:
    dense = retriever(tmp_path / "a", {"bm25": 0})
    dense.prepare()
    assert not (tmp_path / "a").exists()
    assert all("bm25" not in hit.scores for hit in dense.search(["dogs"])[0])
    words = retriever(tmp_path / "b", {"dense": 0})
    assert [hit.chunk.id for hit in words.search(["dogs"])[0]] == ["dogs"]
    with pytest.raises(ValidationError, match="both 0"):
        HybridOptions(dense=0, bm25=0)


def test_k_of_the_call_beats_that_of_the_recipe_and_may_exceed_the_candidates(tmp_path: Path) -> None:
    built = retriever(tmp_path, {"k": 2, "candidates": 1})
    assert len(built.search(["dogs"])[0]) == 2
    assert len(built.search(["dogs"], 4)[0]) == 4


def test_langchain_gets_documents_that_plugins_have_filtered(tmp_path: Path) -> None:
    def keep(query: str, hits: list[Hit]) -> list[Hit]:
        return [hit for hit in hits if hit.chunk.id != "fares"]

    found = retriever(tmp_path, filter=keep).invoke("dogs and fare")
    assert found[0].metadata["chunk"] == "dogs"
    assert "fares" not in {document.metadata["chunk"] for document in found}
    assert found[0].page_content == TEXTS["dogs"]
    assert found[0].metadata.keys() == {"chunk", "document", "title", "start", "end", "score", "scores"}


def test_it_is_a_part_of_a_langchain_chain(tmp_path: Path) -> None:
    from langchain_core.runnables import RunnableLambda

    def text(documents: Any) -> str:
        return str(documents[0].page_content)

    chain = retriever(tmp_path) | RunnableLambda(text)
    assert chain.invoke("dogs on deck") == TEXTS["dogs"]


def _never(*_: Any) -> Callable[..., Any]:
    raise AssertionError("the index was made, not read")
