from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from loresmith.values import Chunk
from loresmith_plugins.retrievers.words import K1, B, WordIndex
from vector_arc import TEXTS, chunks


def index(folder: Path, texts: dict[str, str] = TEXTS, fingerprint: str = "1") -> WordIndex:
    return WordIndex(folder / "bm25", fingerprint, chunks(texts))


def best(words: WordIndex, query: str, k: int = 3) -> list[str]:
    return [id_ for id_, _ in words.best(words.scores(query), k)]


def test_scores_are_those_of_the_formula(tmp_path: Path) -> None:
    words = index(tmp_path, {"a": "cat cat dog", "b": "dog", "c": "bird bird"})
    idf = math.log1p((3 - 1 + 0.5) / 1.5)
    longer = 1 - B + B * 3 / 2
    assert words.scores("cat")[0] == pytest.approx(idf * 2 / (2 + K1 * longer))
    assert words.scores("cat cat")[0] == pytest.approx(2 * words.scores("cat")[0])
    assert list(words.scores("cat")[1:]) == [0, 0]


def test_words_are_found_in_any_form_and_numbers_of_one_digit_count(tmp_path: Path) -> None:
    words = index(tmp_path)
    assert [best(words, q)[0] for q in ("CANCELLED sailings", "refunding", "7", "dogs'")] == [
        "refund", "refund", "fares", "dogs",
    ]  # fmt: skip


def test_a_script_without_spaces_is_searched_by_character(tmp_path: Path) -> None:
    assert best(index(tmp_path, {"a": "渡輪時刻表", "b": "犬は無料です"}), "犬") == ["b"]


@pytest.mark.parametrize("query", ["", "of the and", "zzz unknown", "¿?"])
def test_a_query_without_known_words_finds_nothing_and_covers_nothing(tmp_path: Path, query: str) -> None:
    words = index(tmp_path)
    assert best(words, query) == []
    assert words.coverage(query, range(4)) == 0


def test_chunks_without_a_single_word_are_no_obstacle(tmp_path: Path) -> None:
    for _ in range(2):
        words = index(tmp_path, {"blank": "and of the"})
        words.save()
        assert best(words, "dogs") == []
        assert words.coverage("dogs", [0]) == 0


def test_coverage_is_the_share_of_the_query_that_one_chunk_says(tmp_path: Path) -> None:
    words = index(tmp_path)
    assert words.coverage("dogs on deck", range(4)) == pytest.approx(1)
    # "dog" and "refund" stand in one chunk each, never in the same.
    assert words.coverage("dogs refunds", range(4)) == pytest.approx(0.5)
    assert 0 < words.coverage("dogs and zebras", range(4)) < 0.5
    assert words.coverage("dogs on deck", words.rows(["fares", "blank"])) == 0
    assert words.coverage("dogs on deck", []) == 0


def test_equal_scores_stay_in_the_order_of_the_ids_at_the_cut_too(tmp_path: Path) -> None:
    words = index(tmp_path, dict.fromkeys("dcbae", "same words"))
    assert best(words, "words", 2) == ["a", "b"]


def test_only_allowed_chunks_are_found(tmp_path: Path) -> None:
    words = index(tmp_path, {"a": "dog", "b": "dog", "c": "cat"})
    assert words.ask(["dog"], frozenset({"b", "c"})).best(5) == [[("b", pytest.approx(words.scores("dog")[1]))]]


def test_shared_words_are_told_as_the_query_writes_them(tmp_path: Path) -> None:
    text = "Dogs travel free; refunds are paid."
    shared = index(tmp_path).shared("Is a refund paid for my dog, and a cat?", Chunk("x", "x.md", 0, len(text), text))
    assert shared == ["refund", "paid", "dog"]


def test_the_index_is_kept_without_pickles_and_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = index(tmp_path)
    words.save()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert {path.suffix for path in files} == {".npy", ".json"}
    expected = list(words.scores("dogs"))
    monkeypatch.setattr(WordIndex, "_make", _never)
    assert list(index(tmp_path).scores("dogs")) == expected
    index(tmp_path).save()


def test_an_index_of_other_chunks_is_made_anew(tmp_path: Path) -> None:
    index(tmp_path).save()
    other = {**TEXTS, "cats": "Cats stay at home."}
    changed = index(tmp_path, other, "2")
    assert best(changed, "cat", 1) == ["cats"]
    changed.save()
    assert best(index(tmp_path, other, "2"), "cat", 1) == ["cats"]


def test_only_new_texts_are_cut_into_words_and_the_result_is_that_of_all_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(tmp_path).save()
    other = {"cats": "Cats stay at home, dogs too.", **dict(list(TEXTS.items())[1:])}
    cut: list[str] = []
    stems = WordIndex._stems
    monkeypatch.setattr(WordIndex, "_stems", lambda self, text: cut.append(text) or stems(self, text))
    index(tmp_path, other, "2").save()
    assert len(cut) == 1
    assert "Cats stay" in cut[0]
    index(tmp_path / "anew", other, "2").save()
    ours, anew = ((folder / "bm25") for folder in (tmp_path, tmp_path / "anew"))
    assert {path.name: path.read_bytes() for path in ours.iterdir()} == {
        path.name: path.read_bytes() for path in anew.iterdir()
    }


@pytest.mark.parametrize("name", ["texts.npy", "said.npy", "terms.json"])
def test_what_was_said_before_and_cannot_be_read_is_cut_anew(tmp_path: Path, name: str) -> None:
    index(tmp_path).save()
    (tmp_path / "bm25" / name).write_bytes(b"x")
    assert best(index(tmp_path, fingerprint="2"), "dogs", 1) == ["dogs"]


def test_a_damaged_stamp_is_a_stale_index(tmp_path: Path) -> None:
    index(tmp_path).save()
    (tmp_path / "bm25/fingerprint.json").write_text("{")
    assert best(index(tmp_path), "dogs", 1) == ["dogs"]


def _never(*_: Any) -> Any:
    raise AssertionError("the index was made, not read")
