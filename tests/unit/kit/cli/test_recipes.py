from __future__ import annotations

import json
from pathlib import Path

import pytest

from loresmith.cli.main import run
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.specs import RecipeSpec

RECIPE = """\
# A desk that answers.
name: desk  # the name
base: smollm2-135m
instructions: You answer.
knowledge: {sources: [{kind: files, path: docs}]}
data: {examples: [{kind: jsonl, path: data/examples.jsonl}]}
"""


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe folder that a plugin offers as `desk`."""
    folder = tmp_path / "shipped" / "desk"
    (folder / "docs").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / ".loresmith").mkdir()
    (folder / "docs" / "a.md").write_text("The kiosk opens at nine.", encoding="utf-8")
    (folder / "data" / "examples.jsonl").write_text('{"question": "q", "answer": "a"}\n', encoding="utf-8")
    (folder / "assistant.yaml").write_text(RECIPE, encoding="utf-8")

    class Shipper:
        @hookimpl
        def register_recipes(self, register: object) -> None:
            register(RecipeSpec(name="desk", summary="A desk that answers.", folder=lambda: folder))  # type: ignore[operator]

    def host(disabled: object = ()) -> PluginHost:
        host = PluginHost()
        host.add(Shipper(), "shipper")
        return host

    monkeypatch.setattr(PluginHost, "from_environment", staticmethod(host))
    return folder


def test_new_copies_the_recipe_and_says_what_is_next(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", str(tmp_path / "mine"), "--recipe", "desk"]) == 0
    assert (tmp_path / "mine" / "docs" / "a.md").is_file()
    assert (tmp_path / "mine" / "assistant.yaml").read_text(encoding="utf-8") == RECIPE
    assert not (tmp_path / "mine" / ".loresmith").exists()
    assert "loresmith build" in capsys.readouterr().out
    assert run(["recipes", "check", "--project", str(tmp_path / "mine")]) == 0


def test_new_fills_an_empty_folder_and_takes_a_name(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert run(["new", ".", "--recipe", "desk", "--name", "my-desk", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"project": str(here), "recipe": "desk"}
    assert "name: my-desk  # the name\n" in (here / "assistant.yaml").read_text(encoding="utf-8")


def test_new_refuses_a_folder_that_holds_something(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.md").write_text("mine", encoding="utf-8")
    assert run(["new", str(tmp_path / "mine"), "--recipe", "desk"]) == 2
    assert "is not an empty folder" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.md"]


def test_new_refuses_a_name_no_recipe_could_have(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", str(tmp_path / "mine"), "--recipe", "desk", "--name", "My Desk"]) == 2
    assert not (tmp_path / "mine").exists()


def test_new_with_an_unknown_recipe_names_the_nearest(
    shipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", str(tmp_path / "mine"), "--recipe", "desc"]) == 2
    assert 'Did you mean "desk"?' in capsys.readouterr().err


def test_ls_and_show(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "ls", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["recipes"]
    assert {"name": "desk", "summary": "A desk that answers.", "folder": str(shipped)} in listed
    assert run(["recipes", "show", "desk"]) == 0
    assert capsys.readouterr().out == RECIPE


def test_check_reports_all_problems_as_json_too(shipped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shipped / "assistant.yaml").write_text(RECIPE.replace("name: desk", "nam: desk"), encoding="utf-8")
    assert run(["recipes", "check", str(shipped), "--json"]) == 2
    captured = capsys.readouterr()
    problems = json.loads(captured.out)["problems"]
    assert [(p["key"], p["line"]) for p in problems] == [("nam", 2), ("name", 2)]
    assert run(["recipes", "check", str(shipped)]) == 2
    assert 'nam: there is no such key here. Did you mean "name"?' in capsys.readouterr().err


def test_check_outside_a_project_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "check", "--project", str(tmp_path)]) == 2
    assert "loresmith new DIR" in capsys.readouterr().err
