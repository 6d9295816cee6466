"""The recipes that come with Loresmith, as something `loresmith new` can start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loresmith.hooks import hookimpl
from loresmith.project import RECIPE_FILE
from loresmith.recipe.shipped import other_ways, recipe_folders, recipe_summary
from loresmith.specs import RecipeSpec


@hookimpl
def register_recipes(register: Callable[[RecipeSpec], None]) -> None:
    """Register every folder of `recipes/` that has an `assistant.yaml`, and the other ways to train on its data."""
    for folder in recipe_folders():
        summary = recipe_summary(folder / RECIPE_FILE)
        register(RecipeSpec(name=folder.name, summary=summary, folder=_given(folder)))
        for file in other_ways(folder):
            name = f"{folder.name}-{file.stem}"
            register(RecipeSpec(name=name, summary=recipe_summary(file), folder=_given(folder), file=_given(file)))


def _given(path: Path) -> Callable[[], Path]:
    return lambda: path
