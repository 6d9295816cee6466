"""`loresmith new`: start a project from a shipped recipe."""

from __future__ import annotations

from pathlib import Path

import click

from loresmith.cli.common import Session, shared_options
from loresmith.project import RECIPE_FILE


@click.command(name="new")
@shared_options
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--recipe", "recipe_name", required=True, metavar="NAME", help="Shipped recipe to start from.")
@click.option("--name", "assistant", metavar="NAME", help="Name of the assistant (default: the recipe's).")
def command(session: Session, target: Path, recipe_name: str, assistant: str | None) -> None:
    """Start a project in DIR from a shipped recipe: its documents, its examples and assistant.yaml."""
    from loresmith.specs import RecipeSpec
    from loresmith.starting import start_project

    spec = session.host().registry.get(RecipeSpec, recipe_name)
    project = start_project(spec, target, assistant)
    session.show({"project": str(project.root), "recipe": spec.name}, lambda: _next_steps(target, spec.name))


def _next_steps(folder: Path, recipe: str) -> str:
    return (
        f'started "{folder}" from the recipe {recipe}\n'
        f"next:\n"
        f"  cd {folder}\n"
        f"  loresmith recipes check    # after every change of {RECIPE_FILE}\n"
        f"  loresmith build            # check, split, index, train, measure, decide\n"
        f'  loresmith ask "..."        # an answer with citations'
    )
