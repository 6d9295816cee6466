"""From answers to the ladder, its verdict and its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loresmith.building.materials import Materials
from loresmith.files import write_json
from loresmith.ladder.compare import compare
from loresmith.ladder.report import html
from loresmith.ladder.report.record import record
from loresmith.ladder.verdict import decide
from loresmith.moments import shown
from loresmith.recipe.models import Recipe
from loresmith.runs.run import Run
from loresmith.specs import MetricSpec


def ladder(materials: Materials, run: Run, rungs: Sequence[str]) -> dict[str, Any]:
    """Return the report on measured rungs, as `build --json` prints it; nothing is written."""
    evaluation = materials.recipe.evaluation
    names = [entry if isinstance(entry, str) else entry.kind for entry in evaluation.metrics]
    metrics = [(name, materials.host.registry.get(MetricSpec, name).binary) for name in names]
    rows = {rung: run.answers(rung) for rung in rungs}
    comparison = compare(rows, metrics, evaluation.resamples, materials.recipe.data.split.seed)
    return record(
        comparison,
        decide(comparison, rungs, names[0], evaluation.margin),
        metric=names[0],
        margin=evaluation.margin,
        run=run.id,
        report=str(run.report_html),
        receipts={name: _figures(value) for name, value in run.receipts().items()},
    )


def keep(report: dict[str, Any], recipe: Recipe, run: Run) -> None:
    """Write the report into the run, for people and for programs."""
    html.write(
        run.report_html,
        report,
        {rung: run.answers(rung) for rung in report["rungs"]},
        run.events(),
        title=recipe.name,
        base=recipe.base,
        date=shown(run.manifest.created),
        samples=run.receipts().get("mask", {}).get("samples", []),
    )
    write_json(run.report, report)


def _figures(receipt: dict[str, Any]) -> dict[str, Any]:
    # The rendered samples are for the page, not for programs.
    return {key: value for key, value in receipt.items() if key != "samples"}
