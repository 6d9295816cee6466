from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from loresmith.cli.main import run
from tiny_embedder import tiny_embedder

RECIPE = """
name: desk
base: smollm2-135m
instructions: You answer.
knowledge:
  sources: [{kind: files, path: docs}]
  embedder: {kind: minilm, model: ./embedder}
data:
  examples: [{kind: jsonl, path: data/examples.jsonl}]
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_embedder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def root(tmp_path: Path, model: Path) -> Path:
    (tmp_path / "embedder").symlink_to(model)
    (tmp_path / "assistant.yaml").write_text(RECIPE)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/dogs.md").write_text("# Dogs\n\nA dog may ride on \x1b[31mdeck.\n\na\n\nb\n\nc\n")
    (tmp_path / "docs/fares.md").write_text("# Fares\n\nThe fare of a child.\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/examples.jsonl").write_text('{"question": "q", "answer": "a"}\n')
    return tmp_path


def loresmith(root: Path, *arguments: str) -> int:
    return run([*arguments, "--project", str(root)])


def test_index_counts_and_search_shows_hits(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert loresmith(root, "index", "--json") == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["documents"], report["new"], report["embedded"]) == (2, 2, 2)
    assert "embedding chunks: 100 %" in err

    assert loresmith(root, "index") == 0
    assert "2 documents: 0 new, 0 changed, 2 unchanged, 0 removed" in capsys.readouterr().out

    assert loresmith(root, "search", "dog on deck", "--json", "--k", "1") == 0
    (hit,) = json.loads(capsys.readouterr().out)["hits"]
    assert set(hit) == {"document", "chunk", "start", "end", "text", "score", "scores"}
    assert (root / "docs" / hit["document"]).read_text()[hit["start"] : hit["end"]] == hit["text"]
    assert (hit["document"], hit["chunk"]) == ("dogs.md", "dogs.md#0")

    assert loresmith(root, "search", "dog on deck") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("1. dogs.md [0:")
    assert "fused " in shown
    assert "\\x1b[31mdeck" in shown
    assert "\x1b" not in shown


def test_queries_from_standard_input_give_one_json_line_each(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert loresmith(root, "index") == 0
    capsys.readouterr()
    _type_in(monkeypatch, "\ufeffdog on deck\r\n\nchild fare".encode() + b" \xff\n")
    assert loresmith(root, "search", "-", "--k", "1") == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["query"], row["hits"][0]["document"]) for row in rows] == [
        ("dog on deck", "dogs.md"),
        ("child fare \ufffd", "fares.md"),
    ]


@pytest.mark.parametrize(
    ("query", "code", "message"), [("dogs", 1, "there is no index yet"), (" ", 2, "the query is empty")]
)
def test_a_search_that_cannot_be_says_why(
    root: Path, capsys: pytest.CaptureFixture[str], query: str, code: int, message: str
) -> None:
    assert loresmith(root, "search", query) == code
    assert message in capsys.readouterr().err


def test_a_query_that_is_no_utf8_is_searched_for_what_it_holds(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert loresmith(root, "index") == 0
    assert loresmith(root, "search", "dog \udcff", "--json") == 0
    assert '"dogs.md"' in capsys.readouterr().out


def test_explain_shows_every_candidate_its_words_and_what_became_of_it(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loresmith(root, "index") == 0
    capsys.readouterr()
    assert loresmith(root, "search", "may a dog ride", "--explain", "--k", "1") == 0
    shown = capsys.readouterr().out
    assert shown.startswith("searched for: may a dog ride\n\n1. dogs.md [0:")
    assert "hit 1; shared words: may, dog, ride" in shown
    assert "left out: 1 better ones are handed over; shared words: none" in shown

    assert loresmith(root, "search", "may a dog ride", "--explain", "--k", "1", "--json") == 0
    value = json.loads(capsys.readouterr().out)
    assert [hit["document"] for hit in value["hits"]] == ["dogs.md"]
    assert [(fate["hit"]["document"], fate["n"]) for fate in value["candidates"]] == [("dogs.md", 1), ("fares.md", 0)]
    assert value["trace"]["query"] == "may a dog ride"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("dogs.md", '"dogs.md", as "dogs.md#0": hit 1.'),
        ("fares.md", '"fares.md", as "fares.md#0": left out: 1 better ones are handed over.'),
        ("dog.md", 'there is no document "dog.md" in the index. Did you mean "dogs.md"?'),
    ],
)
def test_why_says_where_a_document_is(root: Path, capsys: pytest.CaptureFixture[str], document: str, why: str) -> None:
    assert loresmith(root, "index") == 0
    capsys.readouterr()
    assert loresmith(root, "search", "a dog on deck", "--k", "1", "--why", document) == 0
    assert capsys.readouterr().out.strip() == why


def test_below_the_floor_explain_says_that_nothing_is_handed_over(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = RECIPE.replace("data:\n", "  retriever: {kind: bm25, floor: 50}\ndata:\n", 1)
    (root / "assistant.yaml").write_text(recipe)
    assert loresmith(root, "index") == 0
    capsys.readouterr()
    assert loresmith(root, "search", "dog", "--explain") == 0
    shown = capsys.readouterr().out
    assert "is below the floor of 50" in shown
    assert "nothing is handed over" in shown


def test_many_queries_are_not_explained(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert loresmith(root, "search", "-", "--explain") == 2
    assert "one query is explained at a time" in capsys.readouterr().err


def test_unreadable_documents_end_with_code_2_and_all_their_names(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "docs/latin.md").write_bytes(b"caf\xe9")
    (root / "docs/empty.md").write_text("")
    assert loresmith(root, "index") == 2
    err = capsys.readouterr().err
    assert "docs/latin.md: is not UTF-8: byte 0xe9 at offset 3. Save it as UTF-8." in err
    assert "docs/empty.md: is empty" in err


def _type_in(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    stdin: Any = io.TextIOWrapper(io.BytesIO(raw))
    monkeypatch.setattr(sys, "stdin", stdin)


def test_settings_are_tried_beside_the_recipe_and_say_which_hits_moved(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = (root / "assistant.yaml").read_text()
    assert loresmith(root, "index") == 0
    capsys.readouterr()
    assert loresmith(root, "search", "fare of a dog", "--set", "retriever.k=1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["hits"]) == 1
    assert [(move["now"], move["was"]) for move in found["moved"]] == [(1, 1), (0, 2)]
    assert loresmith(root, "search", "fare", "--explain", "--set", "retriever.kind=bm25") == 0
    assert "now recipe\n  1 " in capsys.readouterr().out
    assert loresmith(root, "search", "fare", "--set", "retriever.kk=1") == 2
    assert 'Did you mean "k"' in capsys.readouterr().err
    assert (root / "assistant.yaml").read_text() == recipe
