"""A run in one line: what lists of runs show of it."""

from __future__ import annotations

from typing import Any

from loresmith.artefact import Artefact
from loresmith.runs.run import Run


def listed(run: Run, artefact: Artefact | None) -> dict[str, Any]:
    """Return a run as `runs ls --json` shows it.

    Args:
        run: The run.
        artefact: What is promoted, if anything is.
    """
    report = run.read_report()
    ship = report.get("verdict", {}).get("ship")
    figures = report.get("rungs", {}).get(ship, {}).get("metrics", {}).get(run.manifest.metric)
    return {
        "run": run.id,
        "name": run.manifest.name,
        "state": run.state,
        "started": run.manifest.created,
        "ship": ship,
        "decided": report.get("verdict", {}).get("decided"),
        "metric": {"name": run.manifest.metric, **figures} if figures else None,
        "promoted": promoted(run, artefact),
    }


def promoted(run: Run, artefact: Artefact | None) -> str | None:
    """Return the rung of a run that is promoted, or None."""
    return artefact.rung if artefact and artefact.run == run.id else None
