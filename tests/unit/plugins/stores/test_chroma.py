from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from loresmith.errors import RetrievalError
from loresmith_plugins.stores.chroma import ChromaOptions, ChromaStore


def unit_vectors(count: int, dimension: int = 8) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    vectors = np.random.default_rng(3).normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def store(folder: Path, dimension: int = 8) -> ChromaStore:
    return ChromaStore(ChromaOptions(), folder, dimension)


def test_the_nearest_are_those_of_an_exact_search(tmp_path: Path) -> None:
    vectors = unit_vectors(400)
    opened = store(tmp_path)
    opened.upsert([f"{n:03}" for n in range(400)], vectors)
    for row, found in enumerate(opened.search(vectors[:20], 10)):
        exact = vectors @ vectors[row]
        assert [id_ for id_, _ in found] == [f"{n:03}" for n in np.argsort(-exact)[:10]]
        np.testing.assert_allclose([score for _, score in found], np.sort(exact)[::-1][:10], atol=1e-5)
    opened.close()


def test_more_than_a_batch_is_written_and_removed(tmp_path: Path) -> None:
    opened = store(tmp_path)
    opened._most = 64
    ids = [str(n) for n in range(200)]
    opened.upsert(ids, unit_vectors(200))
    assert opened.count() == 200
    opened.delete(ids[:150])
    assert opened.ids() == set(ids[150:])
    opened.close()


def test_equal_scores_are_ordered_by_id(tmp_path: Path) -> None:
    opened = store(tmp_path)
    same = np.repeat(unit_vectors(1), 4, axis=0)
    opened.upsert(["c", "a", "d", "b"], same)
    assert [id_ for id_, _ in opened.search(same[:1], 4)[0]] == ["a", "b", "c", "d"]
    opened.close()


def test_nothing_to_do_is_done(tmp_path: Path) -> None:
    opened = store(tmp_path)
    opened.upsert([], unit_vectors(0))
    opened.delete([])
    assert opened.search(unit_vectors(0), 3) == []
    opened.close()


def test_vectors_of_another_length_and_a_damaged_database_say_what_to_do(tmp_path: Path) -> None:
    opened = store(tmp_path / "a")
    opened.upsert(["x"], unit_vectors(1))
    with pytest.raises(RetrievalError, match="dimension of 8, got 9") as caught:
        opened.upsert(["y"], unit_vectors(1, 9))
    assert "index --rebuild" in caught.value.hint
    opened.close()
    (tmp_path / "b").mkdir()
    (tmp_path / "b/chroma.sqlite3").write_bytes(b"garbage" * 100)
    with pytest.raises(RetrievalError, match="cannot be used"):
        store(tmp_path / "b")


def test_it_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    opened = store(tmp_path)
    opened.upsert(["x"], unit_vectors(1))
    opened.upsert(["x"], unit_vectors(1))
    opened.delete(["unknown"])
    opened.search(unit_vectors(1), 50)
    opened.close()
    assert capfd.readouterr() == ("", "")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
