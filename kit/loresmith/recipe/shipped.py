"""The recipes that come with Loresmith."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import loresmith
from loresmith.errors import LoresmithError
from loresmith.project import RECIPE_FILE


def recipes_dir() -> Path:
    """Return the folder of shipped recipes: the checkout's, or the one in the installed wheel.

    The checkout comes first, since an editable install keeps a copy of the folder that goes stale.
    """
    checkout = Path(loresmith.__file__).parents[2] / "recipes"
    if checkout.is_dir() and (checkout.parent / "kit" / "loresmith").is_dir():
        return checkout
    packaged = find_spec("loresmith_recipes")
    # A folder of data without code is a namespace package: it has places, but no file of its own.
    places = list(packaged.submodule_search_locations or []) if packaged else []
    if not places:
        raise LoresmithError("the shipped recipes are not installed", "Install Loresmith again.")
    return Path(places[0])


def recipe_folders() -> list[Path]:
    """Return the folders of all shipped recipes, by name."""
    return sorted(path.parent for path in recipes_dir().glob(f"*/{RECIPE_FILE}"))


def other_ways(folder: Path) -> list[Path]:
    """Return the recipes that train on the data of a shipped recipe in other ways, by name.

    They stand beside the folder, in one named after it, so that a project does not get them all.
    """
    return sorted(folder.with_name(f"{folder.name}.methods").glob("*.yaml"))


def recipe_summary(recipe: Path) -> str:
    """Return the first comment line of a recipe: what it is for."""
    with recipe.open(encoding="utf-8-sig") as stream:
        for line in stream:
            if line.startswith("#") and line.strip("# \n"):
                return line.strip("# \n")
            if line.strip() and not line.startswith("#"):
                break
    return ""
