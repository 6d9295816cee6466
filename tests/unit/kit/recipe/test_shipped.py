from __future__ import annotations

from pathlib import Path

import pytest

import loresmith
from loresmith.cli.main import run
from loresmith.host import PluginHost
from loresmith.recipe.load import load_recipe
from loresmith.recipe.shipped import other_ways, recipe_folders, recipe_summary, recipes_dir
from loresmith.specs import RecipeSpec


def test_the_checkouts_recipes_come_first() -> None:
    assert recipes_dir() == Path(loresmith.__file__).parents[2] / "recipes"


def test_without_a_checkout_the_wheels_recipes_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = tmp_path / "loresmith_recipes" / "one"
    packaged.mkdir(parents=True)
    (packaged / "assistant.yaml").write_text("# What for.\nname: one\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(loresmith, "__file__", str(tmp_path / "site-packages" / "loresmith" / "__init__.py"))
    assert recipes_dir() == tmp_path / "loresmith_recipes"
    assert [folder.name for folder in recipe_folders()] == ["one"]


@pytest.mark.parametrize(
    ("text", "summary"),
    [("#\n# A desk.  \n# More.\nname: x\n", "A desk."), ("name: x\n# Late.\n", ""), ("", "")],
)
def test_the_first_comment_line_is_the_summary(text: str, summary: str, tmp_path: Path) -> None:
    (tmp_path / "assistant.yaml").write_text(text, encoding="utf-8")
    assert recipe_summary(tmp_path / "assistant.yaml") == summary


def test_every_shipped_recipe_is_registered_and_says_what_it_is_for(host: PluginHost) -> None:
    specs = {spec.name: spec for spec in host.registry.of(RecipeSpec)}
    folders = recipe_folders()
    others = [f"{folder.name}-{file.stem}" for folder in folders for file in other_ways(folder)]
    assert set(specs) == {folder.name for folder in folders} | set(others)
    assert all(spec.summary for spec in specs.values())


def test_every_shipped_recipe_is_right_in_the_project_it_starts(
    host: PluginHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORESMITH_KEY", "of an endpoint")
    for spec in host.registry.of(RecipeSpec):
        assert run(["new", str(tmp_path / spec.name), "--recipe", spec.name]) == 0
        text = (tmp_path / spec.name / "assistant.yaml").read_text(encoding="utf-8")
        assert text == spec.recipe_file().read_text(encoding="utf-8")
        assert f"--recipe {spec.name}" in text, "a recipe opens with the command that runs it"
        assert load_recipe(tmp_path / spec.name / "assistant.yaml", host.registry).name
