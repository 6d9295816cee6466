"""The recipes that come with Loresmith, as something `loresmith new` can start from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from loresmith.hooks import hookimpl
from loresmith.recipe.shipped import recipe_folders, recipe_summary
from loresmith.specs import RecipeSpec


@hookimpl
def register_recipes(register: Callable[[RecipeSpec], None]) -> None:
    """Register every folder of `recipes/` that has an `assistant.yaml`."""
    for folder in recipe_folders():
        register(RecipeSpec(name=folder.name, summary=recipe_summary(folder), folder=_given(folder)))


def _given(folder: Path) -> Callable[[], Path]:
    return lambda: folder
