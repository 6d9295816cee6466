"""`loresmith train`: the training stages of a build."""

from __future__ import annotations

import click

from loresmith.cli.common import Session, shared_options
from loresmith.cli.pipeline import run_pipeline


@click.command("train")
@click.option("--stage", "stages", type=click.IntRange(min=0), multiple=True, help="Up to this stage, from 0.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@shared_options
def command(session: Session, stages: tuple[int, ...], resume: bool) -> None:  # noqa: FBT001
    """Check, split, index and train; `loresmith build --resume` goes on to the ladder."""
    from loresmith.build.pipeline import Wishes

    wishes = Wishes(resume=resume, stages=tuple(range(max(stages) + 1)) if stages else (), evaluate=False)
    result = run_pipeline(session, wishes)
    session.show(result, lambda: f"trained in run {result['run']}; measure it with `loresmith build --resume`")
