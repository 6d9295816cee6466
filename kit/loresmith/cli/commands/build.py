"""`loresmith build`: the main job."""

from __future__ import annotations

import click

from loresmith.cli.common import Session, shared_options
from loresmith.cli.pipeline import run_pipeline


@click.command("build")
@click.option("--resume", is_flag=True, help="Go on with the latest run that is not done.")
@click.option("--resplit", is_flag=True, help="Forget the frozen split and freeze a new one.")
@click.option("--stop-at-mask", is_flag=True, help="Stop before a stage's first step, when what it trains is known.")
@shared_options
def command(session: Session, resume: bool, resplit: bool, stop_at_mask: bool) -> None:
    """Check, split, index, train, measure every rung, decide, and promote the winner.

    A build that was stopped goes on with --resume. What an earlier run of this project made from the same things is
    taken over.
    """
    from loresmith.building.pipeline import Wishes
    from loresmith.ladder.table import render

    report = run_pipeline(session, Wishes(resume=resume, resplit=resplit, stop_at_mask=stop_at_mask))
    session.show(report, lambda: f"\n{render(report)}\n\nreport: {report['report']}")
