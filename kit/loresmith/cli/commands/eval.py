"""`loresmith eval`: the ladder of a build."""

from __future__ import annotations

import click

from loresmith.cli.common import Session, shared_options
from loresmith.cli.pipeline import run_pipeline


@click.command("eval")
@click.option(
    "--rungs", default="", metavar="A,B", help="Rungs to measure, with commas; all of the recipe if not given."
)
@shared_options
def command(session: Session, rungs: str) -> None:
    """Measure rungs on the held-out questions; nothing is trained and nothing promoted."""
    from loresmith.building.pipeline import Wishes, rungs_of
    from loresmith.ladder.table import render

    wanted = rungs_of([name.strip() for name in rungs.split(",") if name.strip()])
    report = run_pipeline(session, Wishes("eval", rungs=wanted, train=False))
    where = f"\n\nreport: {report['report']}" if report["report"] else ""
    session.show(report, lambda: f"\n{render(report)}{where}")
