"""`loresmith runs`: what was built, how it did, and which of it is the assistant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loresmith.cli.common import Session, shared_options
from loresmith.rungs import RUNGS

if TYPE_CHECKING:
    from loresmith.artefact import Artefact
    from loresmith.project import Project

EMPTY = "no runs yet. Start one with `loresmith build`."


@click.group(name="runs")
def command() -> None:
    """List, show, compare and promote runs."""


@command.command("ls")
@shared_options
def list_runs(session: Session) -> None:
    """List the runs of the project, latest first."""
    from loresmith.cli.table import table
    from loresmith.project import Project
    from loresmith.runs.listing import listed
    from loresmith.runs.run import Run, broken

    project = Project.open(session.folder)
    artefact = _current(session, project)
    rows = [listed(run, artefact) for run in Run.all(project)]
    for error in broken(project):
        session.note(f"warning: {error.message}")
    heads = ("run", "state", "started", "verdict", "metric", "promoted")
    session.show({"runs": rows}, lambda: table(heads, [_cells(row) for row in rows]) if rows else EMPTY)


@command.command("show")
@click.argument("run_id", metavar="ID")
@click.option("--spectrum", is_flag=True, help="Show the singular values of the update that its adapters learned.")
@shared_options
def show_run(session: Session, run_id: str, spectrum: bool) -> None:
    """Show what a run is made of, how far it is, and its ladder. ID may be cut short, or `latest`."""
    from loresmith.cli.runs import run_text
    from loresmith.project import Project
    from loresmith.runs import listing
    from loresmith.runs.run import Run

    project = Project.open(session.folder)
    run = Run.meant(project, run_id)
    if spectrum:
        from loresmith.cli.spectrum import spectrum_text
        from loresmith.runs.spectrum import spectra

        found = spectra(run)
        learned = {"run": run.id, "adapters": [each.to_json() for each in found]}
        session.show(learned, lambda: spectrum_text(found))
        return
    promoted = listing.promoted(run, _current(session, project))
    value = {
        **run.manifest.model_dump(mode="json"),
        "state": run.state,
        "promoted": promoted,
        "folder": str(run.folder),
        "receipts": run.receipts(),
        "report": run.read_report() or None,
    }
    session.show(value, lambda: run_text(run, promoted))


@command.command("diff")
@click.argument("one_id", metavar="ID")
@click.argument("other_id", metavar="OTHER")
@shared_options
def diff_runs(session: Session, one_id: str, other_id: str) -> None:
    """Show what two runs differ in: recipe, hashes, versions, ladder. IDs may be cut short, or `latest`."""
    from loresmith.cli.runs import difference_text
    from loresmith.project import Project
    from loresmith.runs.difference import difference
    from loresmith.runs.run import Run

    project = Project.open(session.folder)
    found = difference(Run.meant(project, one_id), Run.meant(project, other_id))
    session.show(found, lambda: difference_text(found))


@command.command("promote")
@click.argument("run_id", metavar="[ID]", required=False)
@click.option("--rung", type=click.Choice(RUNGS), help="Rung of the ladder (default: the verdict's).")
@click.option("--force", is_flag=True, help="Promote although a gate says no; what it said is kept.")
@click.option("--back", is_flag=True, help="In place of ID: go back to what was promoted before.")
@shared_options
def promote_run(session: Session, run_id: str | None, rung: str | None, force: bool, back: bool) -> None:
    """Make a rung of a run the project's assistant. ID may be cut short, or `latest`."""
    from loresmith.artefact import promote, roll_back
    from loresmith.errors import UsageError
    from loresmith.lock import ProjectLock
    from loresmith.project import Project
    from loresmith.runs.run import Run

    if back == bool(run_id) or (back and rung):
        raise UsageError(
            "say which run, or --back alone", "loresmith runs promote ID, or loresmith runs promote --back"
        )
    project = Project.open(session.folder)
    run = Run.meant(project, run_id) if run_id else None
    with ProjectLock(project, "runs promote", session.note):
        artefact = promote(project, run, rung or "", force=force) if run else roll_back(project, force=force)
    for objection in artefact.overruled:
        session.note(f"warning: promoted although {objection}")
    session.show(artefact.to_json(), lambda: _promotion(artefact, back=back))


def _current(session: Session, project: Project) -> Artefact | None:
    from loresmith.artefact import current
    from loresmith.errors import LoresmithError

    try:
        return current(project)
    except LoresmithError as error:
        # Whoever mends a damaged artefact needs the list of runs for it.
        session.note(f"warning: {error.message}")
        return None


def _promotion(artefact: Artefact, *, back: bool) -> str:
    did = "back to" if back else "promoted"
    return (
        f"{did} {artefact.rung} of {artefact.run} as version {artefact.version}. "
        'Try it: loresmith ask "...", loresmith chat'
    )


def _cells(row: dict[str, Any]) -> list[str]:
    from loresmith.moments import shown

    metric = row["metric"]
    verdict = f"{row['ship']}{'' if row['decided'] else ' (undecided)'}" if row["ship"] else "-"
    score = f"{metric['name']} {metric['mean']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]" if metric else "-"
    return [row["run"], row["state"], shown(row["started"]), verdict, score, row["promoted"] or ""]
