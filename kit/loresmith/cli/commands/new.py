"""`loresmith new`: start a project from a shipped recipe."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import click

from loresmith.cli.common import Session, shared_options
from loresmith.errors import UsageError
from loresmith.files import replacing, write_text
from loresmith.project import RECIPE_FILE


@click.command(name="new")
@shared_options
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--recipe", "recipe_name", required=True, metavar="NAME", help="Shipped recipe to start from.")
@click.option("--name", "assistant", metavar="NAME", help="Name of the assistant (default: the recipe's).")
def command(session: Session, target: Path, recipe_name: str, assistant: str | None) -> None:
    """Start a project in DIR from a shipped recipe: its documents, its examples and assistant.yaml."""
    from loresmith.specs import RecipeSpec

    spec = session.host().registry.get(RecipeSpec, recipe_name)
    if assistant is not None and not re.fullmatch(r"[a-z0-9-]+", assistant):
        raise UsageError(f'the name "{assistant}" is not made of small letters, digits and hyphens')
    folder = target.expanduser()
    _copy(spec.folder(), folder, spec.recipe_file())
    if assistant is not None:
        _rename(folder / RECIPE_FILE, assistant)
    session.show({"project": str(folder.resolve()), "recipe": spec.name}, lambda: _next_steps(target, spec.name))


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


def _next_steps(folder: Path, recipe: str) -> str:
    return (
        f'started "{folder}" from the recipe {recipe}\n'
        f"next:\n"
        f"  cd {folder}\n"
        f"  loresmith recipes check    # after every change of {RECIPE_FILE}\n"
        f"  loresmith build            # check, split, index, train, measure, decide\n"
        f'  loresmith ask "..."        # an answer with citations'
    )
