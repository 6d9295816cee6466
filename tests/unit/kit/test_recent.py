from __future__ import annotations

from pathlib import Path

import pytest

from loresmith.project import RECIPE_FILE, Project
from loresmith.recent import MOST, recent_projects, remember


def project(folder: Path) -> Project:
    folder.mkdir(parents=True)
    (folder / RECIPE_FILE).write_text("name: x\n")
    return Project.open(folder)


def test_the_latest_comes_first_each_once_and_what_is_gone_is_left_out(tmp_path: Path) -> None:
    one, two, three = (project(tmp_path / name) for name in "abc")
    for each in (one, two, three, one):
        remember(each)
    assert recent_projects() == [one, three, two]
    three.recipe.unlink()
    assert recent_projects() == [one, two]


def test_no_more_are_remembered_than_anybody_looks_through(tmp_path: Path) -> None:
    for number in range(MOST + 3):
        remember(project(tmp_path / str(number)))
    assert len(recent_projects()) == MOST


@pytest.mark.parametrize("text", ["", "[]", '{"projects": 3}', '{"projects": [3, null]}'])
def test_a_list_that_is_damaged_is_an_empty_one(tmp_home: Path, text: str) -> None:
    file = tmp_home / ".state" / "loresmith" / "projects.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert recent_projects() == []
    remember(Project(tmp_home))
    assert str(tmp_home) in file.read_text()
