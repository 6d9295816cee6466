"""`loresmith train`: the training stages of a build."""

from __future__ import annotations

import click

from loresmith.cli.common import Session, shared_options
from loresmith.cli.pipeline import run_pipeline


@click.command("train")
@click.option("--stage", type=click.IntRange(min=0), metavar="N", help="The last stage to train, from 0.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@shared_options
def command(session: Session, stage: int | None, resume: bool) -> None:
    """Check, split, index and train; `loresmith build --resume` goes on to the ladder."""
    from loresmith.building.pipeline import Wishes

    result = run_pipeline(session, Wishes("train", resume=resume, last_stage=stage, evaluate=False))
    session.show(result, lambda: f"trained in run {result['run']}; measure it with `loresmith build --resume`")
