"""`loresmith estimate`: parameters and memory of training, before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loresmith.cli.common import Session, shared_options

if TYPE_CHECKING:
    from loresmith.estimate.bases import Base
    from loresmith.estimate.stages import StageEstimate, Wishes

RANKS = "1,2,4,8,16,32,64"


@click.command("estimate")
@click.option("--model", metavar="NAME", help="Another base in place of a recipe's: preset, path or hub id.")
@click.option("--params", metavar="SIZE", help="A published size in place of a model: 7b, 13b, 65b, 70b ...")
@click.option(
    "--adapter", type=click.Choice(["none", "lora", "qlora"]), help="What is trained (default: the recipe's)."
)
@click.option("--rank", type=click.IntRange(1, 1024), help="Rank of the adapters.")
@click.option("--batch", type=click.IntRange(1, 4096), help="Rows a step.")
@click.option("--length", type=click.IntRange(8), help="Tokens of the longest row (default: of the data).")
@click.option("--checkpointing/--no-checkpointing", default=None, help="Whether activations are computed twice.")
@click.option("--bits", type=click.Choice(["16", "32"]), help="Precision of the weights that train.")
@click.option("--ranks", metavar="A,B", default=RANKS, show_default=True, help="Ranks of the table, with commas.")
@click.option(
    "--accelerator", "accelerators", multiple=True, metavar="NAME", help="An accelerator to look at (repeatable)."
)
@shared_options
def command(
    session: Session,
    model: str | None,
    params: str | None,
    ranks: str,
    accelerators: tuple[str, ...],
    bits: str | None,
    **wanted: Any,
) -> None:
    """Say what training takes before it runs: parameters, memory by part, and where it fits.

    For the project's recipe; with --model or --params for one supervised stage, without a project. What is given
    beside these holds in place of what the recipe says. Nothing is loaded, and no weights are fetched.
    """
    from loresmith.cli.estimate import estimate_text, estimate_value
    from loresmith.estimate.devices import SHOWN, here, named
    from loresmith.estimate.stages import Wishes

    asked = _numbers(ranks)
    devices = [*here(), *(named(name) for name in accelerators or SHOWN)]
    base, stages = _stages(session, model, params, Wishes(trained_bytes=int(bits) // 8 if bits else None, **wanted))
    value = estimate_value(base, stages, devices, asked)
    session.show(value, lambda: estimate_text(value))


def _stages(
    session: Session, model: str | None, params: str | None, wishes: Wishes
) -> tuple[Base, list[StageEstimate]]:
    from loresmith.errors import UsageError
    from loresmith.estimate.bases import Base, find_base
    from loresmith.estimate.published import published
    from loresmith.estimate.stages import of_project, single
    from loresmith.modelstore.store import ModelStore
    from loresmith.project import RECIPE_FILE, Project
    from loresmith.recipe.load import load_recipe

    if model and params:
        raise UsageError("both --model and --params are given", "Give one: a model, or a published size.")
    if params:
        base = Base(params.lower(), published(params), "published shapes")
        return base, single(base, wishes)
    host = session.host()
    if model:
        base = find_base(model, ModelStore.for_host(host, session.folder))
        return base, single(base, wishes)
    if not (session.folder.expanduser() / RECIPE_FILE).is_file():
        raise UsageError(
            f'no {RECIPE_FILE} in "{session.folder.expanduser().resolve()}", and no model is named',
            "Name a project with --project DIR, a model with --model NAME, or a size with --params 7b.",
        )
    project = Project.open(session.folder)
    recipe = load_recipe(project.recipe, host.registry)
    base = find_base(recipe.base, ModelStore.for_host(host, project.root))
    return base, of_project(project, recipe, host, base, wishes)


def _numbers(text: str) -> list[int]:
    from loresmith.errors import UsageError

    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f'"{text}" is no list of ranks', "Give whole numbers with commas: --ranks 4,8,16.")
    return [int(part) for part in parts]
