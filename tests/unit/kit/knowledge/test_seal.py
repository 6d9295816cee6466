"""The seal: while nobody touched the vectors nothing is opened, and few of them are searched in a copy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loresmith.errors import RetrievalError
from loresmith.knowledge import base_index, seal
from loresmith.knowledge.parts import Parts

Desk = Any


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Forbid opening a store."""

    def opened(*_: object) -> None:
        raise AssertionError("the store was opened")

    monkeypatch.setattr(Parts, "store", opened)
    return monkeypatch


def vectors(desk: Desk) -> Path:
    return next(Path(desk.project.index).glob("vectors-*"))


def test_an_index_of_unchanged_documents_opens_neither_store_nor_model(desk: Desk, shut: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match="was opened"):
        desk.refresh()
    shut.undo()
    first = desk.refresh()
    shut.setattr(Parts, "store", None)
    assert desk.refresh().fingerprint == first.fingerprint


def test_few_vectors_are_searched_without_opening_the_store(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "MOST", 0)
    desk.refresh()
    by_store = desk.open().search(["dogs on deck", "fare"], 20)
    monkeypatch.undo()
    shutil.rmtree(vectors(desk) / "sealed")
    desk.refresh()
    monkeypatch.setattr(Parts, "store", None)
    by_copy = desk.open().search(["dogs on deck", "fare"], 20)
    assert [[hit.chunk for hit in hits] for hits in by_copy] == [[hit.chunk for hit in hits] for hits in by_store]
    for one, other in zip(by_copy[0], by_store[0], strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)


def test_a_store_that_was_touched_is_asked_itself(desk: Desk) -> None:
    desk.refresh()
    parts = Parts(desk.recipe.knowledge, desk.host.registry, Path)
    store = parts.store(vectors(desk))
    store.delete(sorted(store.ids())[:1])
    store.close()
    with pytest.raises(RetrievalError, match="lacks 1 of its 4 vectors"):
        desk.found()
    assert desk.refresh().embedded == 1


def test_many_vectors_are_sealed_without_a_copy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "MOST", 3)
    desk.refresh()
    assert not (vectors(desk) / "sealed/vectors.npy").exists()
    assert len(desk.found()) == 4
    assert desk.refresh().embedded == 0


def test_a_seal_of_another_index_is_none(desk: Desk) -> None:
    report = desk.refresh()
    assert seal.is_sealed(vectors(desk), report.fingerprint)
    assert not seal.is_sealed(vectors(desk), "other")


def test_the_copy_finds_what_comparing_everything_finds_with_ties_by_id(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    kept = random.normal(size=(50, 8)).astype(np.float32)
    kept[7] = kept[3] = kept[30]
    ids = [f"{n:02}" for n in range(50)]
    seal.seal(tmp_path, "f", (ids, kept))
    copy = seal.sealed_copy(tmp_path, "f")
    assert copy
    scores = kept @ kept[30]
    order = sorted(range(50), key=lambda n: (-scores[n], ids[n]))
    for k in (1, 2, 3, 10, 50, 80):
        assert [id_ for id_, _ in copy.search(kept[30:31], k)[0]] == [ids[n] for n in order[:k]]
    np.testing.assert_array_equal(copy.vectors(["30", "01"]), kept[[30, 1]])
    with pytest.raises(RetrievalError, match='lacks vector "x"'):
        copy.vectors(["x"])


def test_a_change_of_one_document_in_many_embeds_its_chunks_alone_and_equals_a_rebuild(desk: Desk) -> None:
    for n in range(1000):
        (desk.docs / f"{n}.md").write_text(f"# Rule {n}\n\nRule {n} is about dogs.")
    desk.refresh()
    (desk.docs / "500.md").write_text("# Rule 500\n\nRule 500 is about cats.\n\n" + "Boat 500 sails. " * 12)
    report = desk.refresh()
    own = [text for text in desk.embedder.texts if "500" in text]
    assert (report.changed, report.embedded, len(own)) == (1, len(own), len(desk.embedder.texts))
    assert 0 < report.embedded <= 3
    queries = ["cats", "rule 500", "boat 17 sails"]
    before = desk.open().search(queries, 5)
    assert desk.refresh(rebuild=True).fingerprint == report.fingerprint
    assert desk.open().search(queries, 5) == before


def test_renaming_a_text_without_a_heading_costs_no_embedding(desk: Desk) -> None:
    desk.refresh()
    (desk.docs / "bikes.txt").rename(desk.docs / "bicycles.txt")
    report = desk.refresh()
    assert (report.new, report.removed, report.embedded) == (1, 1, 0)
    assert desk.found("bicycles")[0] == "bicycles.txt"


def test_a_kill_between_manifest_and_seal_is_mended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(base_index, "seal", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            desk.refresh()
    assert desk.found()[0] == "dogs.md"
    assert desk.refresh().embedded == 0
    assert (vectors(desk) / "sealed/vectors.npy").exists()
