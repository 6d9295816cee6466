"""`loresmith data`: the frozen split, and what training sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loresmith.cli.common import Session, shared_options

if TYPE_CHECKING:
    from loresmith.building.previewing import Preview


@click.group(name="data")
def command() -> None:
    """Freeze the split, and see what training sees."""


@command.command("preview")
@click.option("--stage", type=click.IntRange(0), default=0, show_default=True, help="Stage of the recipe, from 0.")
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="First example to show, from 0.")
@shared_options
def preview_data(session: Session, stage: int, first: int) -> None:
    """Show examples of the training side as a stage reads them, what is trained in braces.

    The split must be frozen. A stage that puts passages into its prompts needs the index too.
    """
    from loresmith.building.previewing import preview
    from loresmith.cli.progress import progress_report
    from loresmith.project import Project

    project = Project.open(session.folder)
    with progress_report() as report:
        found = preview(project, session.host(), report, stage=stage, first=first)
    session.show(found.to_json(), lambda: _preview_text(found))


@command.command("split")
@click.option("--resplit", is_flag=True, help="Forget the frozen split and freeze a new one.")
@shared_options
def split_data(session: Session, *, resplit: bool) -> None:
    """Freeze which examples teach, which steer and which measure; what is frozen stays so."""
    from loresmith.data.leak import require_no_leak
    from loresmith.data.reading import read_examples
    from loresmith.data.split import freeze
    from loresmith.lock import ProjectLock
    from loresmith.project import Project
    from loresmith.recipe.load import load_recipe

    project = Project.open(session.folder)
    registry = session.host().registry
    recipe = load_recipe(project.recipe, registry)
    examples = read_examples(registry, recipe.data.examples, project.root)
    with ProjectLock(project, "data split", session.note):
        split = freeze(project, examples, recipe.data.split, resplit=resplit)
    leak = require_no_leak(split)
    value: dict[str, Any] = {
        "file": str(project.split),
        "train": len(split.train),
        "dev": len(split.dev),
        "test": len(split.test),
        "groups": split.groups,
        "fingerprint": split.fingerprint,
        "leak": leak.to_json(),
        "remarks": list(split.remarks),
    }
    session.show(value, lambda: _split_text(value))


def _split_text(value: dict[str, Any]) -> str:
    from loresmith.cli.errors import plain

    sizes = f"{value['train']} train, {value['dev']} dev, {value['test']} test in {value['groups']} groups, frozen"
    return plain("\n".join([sizes, *value["remarks"]]))


def _preview_text(found: Preview) -> str:
    from loresmith.cli.errors import plain

    receipt = found.receipt
    head = (
        f"stage {found.stage} ({found.method}), examples from {found.first} of {found.total}: {receipt.trained_tokens} "
        f"tokens trained, {receipt.masked_tokens} only read"
    )
    samples = ("".join(f"{{{text}}}" if trained else text for text, trained in sample) for sample in receipt.samples)
    rule = "-" * 20
    more = [f"the next: loresmith data preview --stage {found.stage} --first {found.after}"] if found.after else []
    return plain("\n".join([head, *(f"{rule}\n{sample}" for sample in samples), rule, *more]))
