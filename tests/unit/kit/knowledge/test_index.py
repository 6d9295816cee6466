from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import DataError, PluginFailed, RetrievalError
from loresmith.hooks import hookimpl
from loresmith.knowledge import base_index, index, vectors
from loresmith.knowledge.lookup import open_lookup
from loresmith.knowledge.manifest import Manifest
from loresmith.values import Chunk, Hit, Trace

Desk = Any


def counts(report: index.IndexReport) -> dict[str, int]:
    names = ("documents", "new", "changed", "removed", "unchanged", "embedded")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_a_first_index_holds_everything_and_finds_it(desk: Desk) -> None:
    seen: list[tuple[int, int]] = []
    report = desk.refresh(progress=lambda done, total: seen.append((done, total)))
    assert counts(report) == {"documents": 4, "new": 4, "embedded": 4}
    assert report.because == ""
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert desk.found()[0] == "dogs.md"
    assert set(desk.found()) == {"dogs.md", "fares.md", "refunds.md", "bikes.txt"}


def test_hits_are_exact_spans_of_their_documents(desk: Desk) -> None:
    desk.refresh()
    for hit in desk.open().search(["fare"], 20)[0]:
        text = (desk.docs / hit.chunk.document).read_text()
        assert text[hit.chunk.start : hit.chunk.end] == hit.chunk.text


def test_an_unchanged_corpus_costs_no_embedding(desk: Desk) -> None:
    first = desk.refresh()
    again = desk.refresh()
    assert counts(again) == {"documents": 4, "unchanged": 4}
    assert desk.embedder.texts == []
    assert again.fingerprint == first.fingerprint


def test_only_what_changed_is_embedded_and_what_is_gone_is_not_found(desk: Desk) -> None:
    first = desk.refresh()
    (desk.docs / "dogs.md").write_text("# Dogs\n\nDogs stay at home from June.")
    (desk.docs / "bikes.txt").unlink()
    (desk.docs / "cats.md").write_text("# Cats\n\nCats travel in a basket.")
    report = desk.refresh()
    assert counts(report) == {"documents": 4, "new": 1, "changed": 1, "removed": 1, "unchanged": 2, "embedded": 2}
    assert sorted(text.splitlines()[0] for text in desk.embedder.texts) == ["# Cats", "# Dogs"]
    assert report.fingerprint != first.fingerprint
    assert "bikes.txt" not in desk.found()
    hit = desk.open().search(["dogs"], 1)[0][0]
    assert hit.chunk.text == "# Dogs\n\nDogs stay at home from June."


def test_a_piece_is_searched_under_its_documents_title() -> None:
    assert Chunk("a#0", "a", 0, 1, "# Dogs\n\nfree", "Dogs").searchable == "# Dogs\n\nfree"
    assert Chunk("a#1", "a", 0, 1, "on deck", "Dogs").searchable == "Dogs\non deck"
    assert Chunk("a#1", "a", 0, 1, "on deck").searchable == "on deck"


def test_a_document_that_moves_is_not_embedded_again(desk: Desk) -> None:
    desk.refresh()
    (desk.docs / "pets").mkdir()
    (desk.docs / "dogs.md").rename(desk.docs / "pets/dogs.md")
    report = desk.refresh()
    assert counts(report) == {"documents": 4, "new": 1, "removed": 1, "unchanged": 3}
    assert desk.found()[0] == "pets/dogs.md"


def test_two_documents_of_one_text_share_a_vector_and_are_both_found(desk: Desk) -> None:
    shutil.copy(desk.docs / "dogs.md", desk.docs / "again.md")
    assert desk.refresh().embedded == 4
    assert desk.found()[:2] == ["again.md", "dogs.md"]


def test_a_rebuild_does_everything_anew(desk: Desk) -> None:
    first = desk.refresh()
    report = desk.refresh(rebuild=True)
    assert counts(report) == {"documents": 4, "unchanged": 4, "embedded": 4}
    assert report.because == "a rebuild was asked for"
    assert report.fingerprint == first.fingerprint
    assert len(list(desk.project.index.glob("vectors-*"))) == 1
    assert desk.found()[0] == "dogs.md"


def test_another_chunker_cuts_anew_and_another_embedder_embeds_anew(desk: Desk) -> None:
    first = desk.refresh()
    desk.knowledge["chunker"] = {"kind": "recursive", "size": 50, "overlap": 0}
    cut = desk.refresh()
    assert cut.because == "the recipe's chunker changed"
    assert cut.chunks > first.chunks
    desk.knowledge["embedder"] = {"kind": "counting", "seed": 1}
    embedded = desk.refresh()
    assert embedded.because == "the recipe's embedder changed"
    assert embedded.embedded == embedded.chunks
    assert len({first.fingerprint, cut.fingerprint, embedded.fingerprint}) == 3
    assert len(list(desk.project.index.glob("vectors-*"))) == 1


def test_without_an_index_search_says_what_to_run(desk: Desk) -> None:
    with pytest.raises(RetrievalError, match="no index yet") as caught:
        desk.open()
    assert "loresmith index" in caught.value.hint


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("embedder", {"kind": "counting", "seed": 1}),
        ("chunker", {"kind": "recursive", "size": 60, "overlap": 0}),
        ("store", {"kind": "chroma", "effort": 20}),
    ],
)
def test_an_index_of_other_settings_is_not_searched(desk: Desk, part: str, value: dict[str, Any]) -> None:
    desk.refresh()
    desk.knowledge[part] = value
    with pytest.raises(RetrievalError, match=f"made with another {part}"):
        desk.open()


def test_the_retrievers_settings_may_change_without_a_new_index(desk: Desk) -> None:
    desk.refresh()
    desk.knowledge["retriever"] = {"kind": "hybrid", "k": 1}
    assert len(desk.open().search(["dogs"])[0]) == 1


def test_unreadable_documents_leave_the_index_as_it_was(desk: Desk) -> None:
    desk.refresh()
    (desk.docs / "dogs.md").write_bytes(b"\xff")
    with pytest.raises(DataError):
        desk.refresh()
    assert desk.found()[0] == "dogs.md"


def _spoil_json(path: Path) -> None:
    path.write_text(path.read_text()[:-20])


def test_a_damaged_manifest_is_reported_and_a_rebuild_mends_it(desk: Desk) -> None:
    desk.refresh()
    _spoil_json(desk.project.index / "manifest.json")
    with pytest.raises(RetrievalError, match="is missing or damaged") as caught:
        desk.open()
    assert "--rebuild" in caught.value.hint
    assert desk.refresh(rebuild=True).embedded == 4
    assert desk.found()[0] == "dogs.md"


def test_an_index_of_another_format_is_reported(desk: Desk) -> None:
    desk.refresh()
    path = desk.project.index / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(RetrievalError, match="has format 99; this version reads 1"):
        desk.open()


def test_damaged_chunks_are_reported_and_mended_without_embedding(desk: Desk) -> None:
    desk.refresh()
    _spoil_json(next(desk.project.index.glob("chunks-*.jsonl")))
    with pytest.raises(RetrievalError, match="is missing or damaged"):
        desk.open()
    desk.refresh()
    assert desk.embedder.texts == []
    assert desk.found()[0] == "dogs.md"


def test_lost_vectors_are_reported_and_mended(desk: Desk) -> None:
    desk.refresh()
    shutil.rmtree(next(desk.project.index.glob("vectors-*")))
    with pytest.raises(RetrievalError, match="the vectors of the index are gone"):
        desk.found()
    assert desk.refresh().embedded == 4
    store = _store(desk)
    store.delete(sorted(store.ids())[:3])
    store.close()
    with pytest.raises(RetrievalError, match="lacks 3 of its 4 vectors"):
        desk.found()
    assert desk.refresh().embedded == 3
    assert len(desk.found()) == 4


def test_stale_vectors_of_a_build_that_was_cut_short_do_not_crowd_out_hits(desk: Desk) -> None:
    desk.refresh()
    store = _store(desk)
    store.upsert([f"stale-{n}" for n in range(50)], desk.embedder.embed([f"dogs on deck {n}" for n in range(50)]))
    store.close()
    assert len(desk.found(k=3)) == 3
    desk.refresh()
    store = _store(desk)
    assert store.count() == 4
    store.close()


def test_an_interrupted_embedding_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "TEXTS_A_WRITE", 1)
    desk.embedder.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        desk.refresh()
    desk.embedder.stop_after = None
    assert desk.refresh().embedded == 1
    assert desk.found()[0] == "dogs.md"


STEPS = [
    (vectors, "content_hash"),
    (base_index, "write_chunks"),
    (Manifest, "write"),
    (base_index, "prune"),
    (base_index, "seal"),
    (base_index.BaseIndex, "_tidy"),
]


@pytest.mark.parametrize(("place", "step"), STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("rebuild", [False, True])
def test_a_break_before_any_step_leaves_the_old_index_or_the_new_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, place: Any, step: str, *, rebuild: bool
) -> None:
    desk.refresh()
    old = set(desk.found())
    (desk.docs / "dogs.md").unlink()
    (desk.docs / "cats.md").write_text("# Cats\n\nCats travel on deck in a basket.")
    with monkeypatch.context() as broken:
        broken.setattr(place, step, _break)
        with pytest.raises(OSError, match="no space left"):
            desk.refresh(rebuild=rebuild)
    new = {"cats.md", *old} - {"dogs.md"}
    assert set(desk.found()) in (old, new)
    assert counts(desk.refresh())["documents"] == 4
    assert set(desk.found()) == new
    names = sorted(path.name.split("-")[0] for path in desk.project.index.iterdir())
    assert names == ["chunks", "manifest.json", "retriever", "vectors"]


def test_plugins_may_drop_and_reorder_hits(desk: Desk) -> None:
    class Plugin:
        @hookimpl
        def filter_hits(self, query: str, hits: list[Hit], trace: Trace) -> None:
            assert trace.query == query
            hits[:] = [hit for hit in reversed(hits) if hit.chunk.document != "dogs.md"]

    desk.refresh()
    before = desk.found()
    desk.host.add(Plugin(), "no-dogs")
    door = open_lookup(desk.project, desk.recipe, desk.host, Path)
    found = [hit.chunk.document for hit in door.search(["dogs on deck"], 20)[0]]
    assert found == [name for name in reversed(before) if name != "dogs.md"]
    assert desk.found() == before
    langchain = desk.open().invoke("dogs on deck")
    assert "dogs.md" not in {document.metadata["document"] for document in langchain}


def test_a_filter_that_fails_shows_nothing(desk: Desk) -> None:
    class Plugin:
        @hookimpl
        def filter_hits(self, query: str) -> None:
            raise ZeroDivisionError(query)

    desk.refresh()
    desk.host.add(Plugin(), "broken")
    with pytest.raises(PluginFailed, match="filter_hits failed: ZeroDivisionError: dogs on deck"):
        open_lookup(desk.project, desk.recipe, desk.host, Path).search(["dogs on deck"])


def _break(*_: Any, **__: Any) -> None:
    raise OSError(28, "no space left")


def _store(desk: Desk) -> Any:
    from loresmith.knowledge.parts import Parts

    parts = Parts(desk.recipe.knowledge, desk.host.registry, Path)
    return parts.store(next(desk.project.index.glob("vectors-*")))
