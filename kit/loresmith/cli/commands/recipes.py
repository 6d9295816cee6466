"""`loresmith recipes`: what one can start from, and whether a recipe is right."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from loresmith.cli.common import Session, shared_options


@click.group(name="recipes")
def command() -> None:
    """List, show and check recipes."""


@command.command("ls")
@shared_options
def list_recipes(session: Session) -> None:
    """List the recipes that `loresmith new` can start from."""
    from loresmith.cli.table import table
    from loresmith.specs import RecipeSpec

    specs = list(session.host().registry.of(RecipeSpec))
    value = [{"name": spec.name, "summary": spec.summary, "folder": str(spec.folder())} for spec in specs]
    session.show({"recipes": value}, lambda: table(("recipe", "what for"), [(s.name, s.summary) for s in specs]))


@command.command("show")
@shared_options
@click.argument("name")
def show_recipe(session: Session, name: str) -> None:
    """Print a shipped recipe."""
    from loresmith.cli.errors import plain
    from loresmith.specs import RecipeSpec

    spec = session.host().registry.get(RecipeSpec, name)
    text = spec.recipe_file().read_text(encoding="utf-8-sig")
    value = {"name": spec.name, "summary": spec.summary, "folder": str(spec.folder()), "yaml": text}
    session.show(value, lambda: plain(text).rstrip())


@command.command("check")
@shared_options
@click.argument("path", type=click.Path(path_type=Path), required=False)
def check_recipe(session: Session, path: Path | None) -> int:
    """Check a recipe, a project or a folder that holds one (default: the project here); report every problem."""
    from loresmith.errors import RecipeError
    from loresmith.project import Project
    from loresmith.recipe.load import load_recipe, shown_path

    file = path if path and path.is_file() else Project.open(path or session.folder).recipe
    try:
        recipe = load_recipe(file, session.host().registry)
    except RecipeError as error:
        if not session.json:
            raise
        session.show({"file": shown_path(file), "name": None, "problems": [asdict(p) for p in error.problems]}, str)
        return error.exit_code
    value = {"file": shown_path(file), "name": recipe.name, "problems": []}
    session.show(value, lambda: f'{shown_path(file)}: the recipe "{recipe.name}" is right')
    return 0
