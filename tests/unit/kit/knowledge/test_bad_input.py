"""What people feed an index: nothing, one word, too much, and what no editor would write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import DataError, RetrievalError
from loresmith.host import PluginHost
from loresmith.knowledge.index import open_retriever, refresh
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from tiny_embedder import tiny_embedder

Desk = Any


def only(desk: Desk, **files: str) -> None:
    for path in desk.docs.iterdir():
        path.unlink()
    for name, text in files.items():
        (desk.docs / f"{name}.md").write_text(text, encoding="utf-8")


def exact(desk: Desk, query: str) -> list[Any]:
    hits = desk.open().search([query], 50)[0]
    for hit in hits:
        text = (desk.docs / hit.chunk.document).read_text(encoding="utf-8")
        assert text[hit.chunk.start : hit.chunk.end] == hit.chunk.text
    return list(hits)


def test_an_empty_corpus_is_refused_and_the_old_index_stays(desk: Desk) -> None:
    desk.refresh()
    kept = {path: path.read_bytes() for path in desk.docs.iterdir()}
    only(desk)
    with pytest.raises(DataError, match="the documents cannot be read") as caught:
        desk.refresh()
    assert caught.value.problems[0].hint == "Set `pattern` in the recipe, or add documents."
    only(desk, blank=" \n\n")
    with pytest.raises(DataError) as caught:
        desk.refresh()
    assert caught.value.problems[0].what == "is empty"
    for path, content in kept.items():
        path.write_bytes(content)
    assert desk.found()[0] == "dogs.md"


def test_a_corpus_of_one_word_is_found(desk: Desk) -> None:
    only(desk, one="Ferry")
    assert desk.refresh().chunks == 1
    assert [hit.chunk.text for hit in exact(desk, "ferry")] == ["Ferry"]
    assert [hit.chunk.text for hit in exact(desk, "?")] == ["Ferry"]


def test_a_line_of_a_hundred_thousand_characters_is_cut_and_found(desk: Desk) -> None:
    line = "x" * 50_000 + " the dog sleeps " + "y" * 49_984
    only(desk, line=line)
    report = desk.refresh()
    assert report.chunks >= 1000
    assert any("dog" in hit.chunk.text for hit in exact(desk, "the dog sleeps"))


def test_control_characters_and_separators_keep_their_places(desk: Desk) -> None:
    text = "# Odd\n\nA bell\x07 and escape \x1b[31m red\x7f. \u2028 New \u0085 line \x0c feed \ufeff mark dogs.\n"
    only(desk, odd=text, plain="Nothing odd about dogs.")
    desk.refresh()
    assert {hit.chunk.document for hit in exact(desk, "bell dogs")} == {"odd.md", "plain.md"}


def test_right_to_left_text_is_found_by_its_words(desk: Desk) -> None:
    only(desk, hebrew="# מחירים\n\nכלב נוסע חינם על הסיפון.", arabic="# أسعار\n\nالكلب يسافر مجانا على السطح.")
    desk.refresh()
    assert exact(desk, "כלב")[0].chunk.document == "hebrew.md"
    assert exact(desk, "الكلب")[0].chunk.document == "arabic.md"


def test_a_corrupt_database_is_named_and_rebuilt_only_on_request(desk: Desk) -> None:
    desk.refresh()
    for path in desk.project.index.glob("vectors-*/chroma.sqlite3"):
        path.write_bytes(b"not a database" * 500)
    (desk.docs / "cats.md").write_text("# Cats\n\nCats sleep.")
    with pytest.raises(RetrievalError, match="cannot be used") as caught:
        desk.refresh()
    assert caught.value.hint == "Run `loresmith index --rebuild`."
    with pytest.raises(RetrievalError, match="cannot be used"):
        desk.found()
    assert desk.refresh(rebuild=True).embedded == 5
    assert desk.found("cats")[0] == "cats.md"


def test_a_copy_of_vectors_that_was_cut_short_does_no_harm(desk: Desk) -> None:
    desk.refresh()
    (copy,) = desk.project.index.glob("vectors-*/sealed/vectors.npy")
    copy.write_bytes(copy.read_bytes()[:100])
    assert desk.found()[0] == "dogs.md"


def test_a_model_swapped_under_an_index_is_refused_with_what_to_do(tmp_path: Path, host: PluginHost) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/dogs.md").write_text("# Dogs\n\nDogs may go on deck.")
    (tmp_path / "assistant.yaml").write_text("name: desk\n")
    tiny_embedder(tmp_path / "model")
    recipe = Recipe.model_validate(
        {
            "name": "desk", "base": "tiny", "instructions": "You answer.",
            "knowledge": {
                "sources": [{"kind": "files", "path": "docs"}],
                "embedder": {"kind": "minilm", "model": str(tmp_path / "model")},
            },
            "data": {"examples": [{"kind": "jsonl", "path": "x.jsonl"}]},
        }
    )  # fmt: skip
    project = Project.open(tmp_path)
    first = refresh(project, recipe, host, Path)
    assert open_retriever(project, recipe, host, Path).search(["dogs"], 1)[0][0].chunk.document == "dogs.md"
    tiny_embedder(tmp_path / "model", seed=1)
    with pytest.raises(RetrievalError, match="made with another embedder than the recipe's") as caught:
        open_retriever(project, recipe, host, Path)
    assert caught.value.hint == "Run `loresmith index`, or go back to the old settings."
    again = refresh(project, recipe, host, Path)
    assert (again.because, again.embedded) == ("the recipe's embedder changed", first.embedded)
    manifest = json.loads((project.index / "manifest.json").read_text())
    assert manifest["settings"]["embedder"]["identity"] != ""
