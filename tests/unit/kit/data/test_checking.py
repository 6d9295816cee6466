from __future__ import annotations

from pathlib import Path

import pytest

from loresmith.data.checking import check_data
from loresmith.data.freezing import freeze_split
from loresmith.host import PluginHost
from loresmith.project import Project
from small_project import edit_recipe, example_rows, write_project, write_rows


@pytest.fixture(scope="module")
def host() -> PluginHost:
    return PluginHost()


@pytest.fixture
def desk(tmp_path: Path) -> Project:
    for name in ("base", "embedder"):
        (tmp_path / name).mkdir()
    return Project.open(write_project(tmp_path / "desk", tmp_path / "base", tmp_path / "embedder"))


def test_sources_are_counted_and_the_split_is_told_before_it_is_frozen(desk: Project, host: PluginHost) -> None:
    found = check_data(desk, host)
    assert [(s.gives, s.kind, s.path, s.count) for s in found.sources] == [
        ("documents", "files", "docs", 8), ("examples", "jsonl", "data/examples.jsonl", 30),
    ]  # fmt: skip
    assert (list(found.problems), found.frozen, desk.split.exists()) == ([], False, False)
    foreseen = {id_: entry.side for id_, entry in found.placed.items()}
    split, _ = freeze_split(desk, host, print)
    again = check_data(desk, host)
    assert (again.frozen, again.split) == (True, split)
    assert {id_: entry.side for id_, entry in again.placed.items()} == foreseen
    told = again.to_json()["split"]
    assert sum(told["strata"]["test"].values()) == told["test"] == len(split.test)


def test_problems_of_all_sources_come_together_with_their_lines(desk: Project, host: PluginHost) -> None:
    rows = example_rows()
    rows[2]["grounding"] = ["fairs.md"]
    write_rows(desk.root, rows)
    (desk.root / "data" / "p.jsonl").write_text('{"prompt": "a", "chosen": "b", "rejected": "b"}\n{"prompt": 3}\n')
    edit_recipe(desk.root, {"data.preferences": [{"kind": "jsonl", "path": "data/p.jsonl"}]})
    found = check_data(desk, host)
    assert {(p.file, p.line, p.key) for p in found.problems} >= {
        ("data/examples.jsonl", 3, "grounding"), ("data/p.jsonl", 1, "rejected"), ("data/p.jsonl", 2, "prompt"),
    }  # fmt: skip
    assert [s.problems > 0 for s in found.sources] == [False, True, True]
    assert found.split is not None, "the examples themselves can be read"


def test_examples_that_no_longer_go_with_the_frozen_split_are_told(desk: Project, host: PluginHost) -> None:
    freeze_split(desk, host, print)
    before = check_data(desk, host)
    assert before.split
    held_out = before.split.test[0].question
    write_rows(desk.root, [row for row in example_rows() if row["question"] != held_out])
    found = check_data(desk, host)
    assert held_out in found.refused
    assert (found.split, found.frozen) == (None, True)
    assert found.placed == before.placed, "each keeps the side it was frozen on"
