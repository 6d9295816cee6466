"""Starts a project from a recipe: a copy of the recipe's folder, which is the user's from then on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from loresmith.errors import UsageError
from loresmith.files import replacing, write_text
from loresmith.project import RECIPE_FILE, Project
from loresmith.specs import RecipeSpec


def start_project(spec: RecipeSpec, target: Path, name: str | None = None) -> Project:
    """Copy a recipe with its documents and examples into a folder, and return the project.

    Args:
        spec: The recipe.
        target: A folder that is not there yet, or an empty one.
        name: Name of the assistant; the recipe's if not given.

    Raises:
        UsageError: If the folder holds something, or the name is not one that a recipe may have.
    """
    if name is not None and not re.fullmatch(r"[a-z0-9-]+", name):
        raise UsageError(f'the name "{name}" is not made of small letters, digits and hyphens')
    folder = target.expanduser()
    _copy(spec.folder(), folder, spec.recipe_file())
    if name is not None:
        _rename(folder / RECIPE_FILE, name)
    return Project.open(folder)


def free_folder(parent: Path, name: str) -> Path:
    """Return a folder of that name in `parent` that is not there yet; a number is added where it is taken."""
    names = [name, *(f"{name}-{number}" for number in range(2, 1000))]
    return next(parent / each for each in names if not (parent / each).exists())


def _copy(source: Path, target: Path, recipe: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f'"{target}" is there already and is not an empty folder', "Name a new one.")
    skip = shutil.ignore_patterns(".loresmith", "__pycache__")
    if target.is_dir():
        # It may be the folder the user stands in, so it is filled where it is; what makes it a project comes last.
        shutil.copytree(source, target, ignore=lambda at, names: {*skip(at, names), RECIPE_FILE}, dirs_exist_ok=True)
        write_text(target / RECIPE_FILE, recipe.read_text(encoding="utf-8"))
        return
    with replacing(target) as temporary:
        shutil.copytree(source, temporary, ignore=skip)
        shutil.copyfile(recipe, temporary / RECIPE_FILE)


def _rename(recipe: Path, name: str) -> None:
    text = recipe.read_text(encoding="utf-8")
    write_text(recipe, re.sub(r"(?m)^name:[ \t]*[^\s#]+", f"name: {name}", text, count=1))
