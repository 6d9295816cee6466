"""What two runs differ in: recipe, hashes, versions, and how their rungs did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loresmith.runs.run import Run


def difference(one: Run, other: Run) -> dict[str, Any]:
    """Return what differs between two runs, as `runs diff --json` prints it.

    Intervals of two runs are those of each; only rungs of one run are compared question by question.
    """
    return {
        "runs": [one.id, other.id],
        "recipe": _changed(_recipe(one), _recipe(other)),
        "hashes": _changed(one.manifest.hashes, other.manifest.hashes),
        "versions": _changed(one.manifest.versions, other.manifest.versions),
        "rungs": _rungs(one, other),
    }


def _recipe(run: Run) -> dict[str, Any]:
    import yaml

    try:
        return dict(_flat(yaml.safe_load(run.recipe.read_text(encoding="utf-8"))))
    except (OSError, yaml.YAMLError):
        return {}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield key path and value of everything that holds nothing further."""
    if isinstance(value, dict | list) and value:
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in entries:
            yield from _flat(entry, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[dict[str, Any]]:
    keys = [*one, *(key for key in other if key not in one)]
    pairs = ((key, one.get(key), other.get(key)) for key in keys)
    return [{"key": key, "values": [a, b]} for key, a, b in pairs if a != b]


def _rungs(one: Run, other: Run) -> list[dict[str, Any]]:
    reports = [run.read_report().get("rungs", {}) for run in (one, other)]
    metrics = [run.manifest.metric for run in (one, other)]
    names = [*reports[0], *(rung for rung in reports[1] if rung not in reports[0])]
    return [
        {
            "rung": rung,
            "metrics": metrics,
            "values": [
                report.get(rung, {}).get("metrics", {}).get(metric)
                for report, metric in zip(reports, metrics, strict=True)
            ],
        }
        for rung in names
    ]
