"""`loresmith data`: what is read, the frozen split, and what training sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loresmith.cli.common import Session, shared_options

if TYPE_CHECKING:
    from loresmith.building.previewing import Preview


@click.group(name="data")
def command() -> None:
    """Check the data, freeze the split, and see what training sees."""


@command.command("preview")
@click.option("--stage", type=click.IntRange(0), default=0, show_default=True, help="Stage of the recipe, from 0.")
@click.option("--first", type=click.IntRange(0), default=0, show_default=True, help="First example to show, from 0.")
@shared_options
def preview_data(session: Session, stage: int, first: int) -> None:
    """Show examples of the training side as a stage reads them, what is trained in {braces}, what is cut in ~tildes~.

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
    from loresmith.data.checking import split_json
    from loresmith.data.freezing import freeze_split
    from loresmith.project import Project

    project = Project.open(session.folder)
    split, leak = freeze_split(project, session.host(), session.note, resplit=resplit)
    value = {"file": str(project.split), **split_json(split), "leak": leak.to_json()}
    session.show(value, lambda: f"{_split_text(value)}, frozen")


@command.command("check")
@shared_options
def check(session: Session) -> int:
    """Read all documents, examples and preferences, and report every problem; nothing is written, no model loaded."""
    from loresmith.data.checking import check_data
    from loresmith.errors import DataError, GateRefused
    from loresmith.project import Project

    found = check_data(Project.open(session.folder), session.host())
    value = found.to_json()
    session.show(value, lambda: _found_text(value))
    error = (
        DataError("the data are wrong", found.problems)
        if found.problems
        else GateRefused(found.refused)
        if found.refused
        else None
    )
    if error and not session.json:
        raise error
    return error.exit_code if error else 0


def _found_text(value: dict[str, Any]) -> str:
    from loresmith.cli.table import table

    rows = [[s["gives"], s["kind"], s["path"], str(s["count"]), str(s["problems"])] for s in value["sources"]]
    lines = [table(["gives", "kind", "path", "count", "problems"], rows)]
    if value["split"]:
        lines.append(f"split: {_split_text(value['split'])}{', frozen' if value['frozen'] else ', as it would be'}")
    return "\n".join(lines)


def _split_text(value: dict[str, Any]) -> str:
    from loresmith.cli.errors import plain

    sizes = f"{value['train']} train, {value['dev']} dev, {value['test']} test in {value['groups']} groups"
    return plain("\n".join([*value["remarks"], sizes]))


def _preview_text(found: Preview) -> str:
    from loresmith.building.previewing import marked
    from loresmith.cli.errors import plain

    receipt = found.receipt
    head = (
        f"stage {found.stage} ({found.method}), examples from {found.first} of {found.total}: {receipt.trained_tokens} "
        f"tokens trained, {receipt.masked_tokens} only read"
    )
    samples = ("".join(marked(text, trained) for text, trained in sample) for sample in receipt.samples)
    rule = "-" * 20
    more = [f"the next: loresmith data preview --stage {found.stage} --first {found.after}"] if found.after else []
    return plain("\n".join([head, *(f"{rule}\n{sample}" for sample in samples), rule, *more]))
