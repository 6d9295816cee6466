from __future__ import annotations

from pathlib import Path

import pytest

import loresmith
from loresmith.host import PluginHost
from loresmith.recipe.load import load_recipe
from loresmith.recipe.shipped import recipe_folders, recipe_summary, recipes_dir
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
    assert recipe_summary(tmp_path) == summary


def test_every_shipped_recipe_is_right_and_says_what_it_is_for(host: PluginHost) -> None:
    specs = list(host.registry.of(RecipeSpec))
    assert [spec.name for spec in specs] == [folder.name for folder in recipe_folders()]
    for spec in specs:
        assert spec.summary
        assert load_recipe(spec.folder() / "assistant.yaml", host.registry).name
