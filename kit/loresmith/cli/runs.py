"""A run as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from loresmith.cli.errors import plain
from loresmith.moments import shown
from loresmith.runs.manifest import Manifest
from loresmith.runs.run import Run

SHORT = 12
"""Digits of a hash that are shown."""
COLUMNS = 76
"""Of a line at most: as many as the app's narrowest screen has beside a scroll bar."""


def run_text(run: Run, promoted: str | None) -> str:
    """Return what a run is made of, its steps, receipts and ladder."""
    blocks = [_head(run, promoted), _made_of(run.manifest), _steps(run.manifest), _receipts(run), _ladder(run)]
    return plain("\n\n".join(block for block in blocks if block))


def difference_text(found: Mapping[str, Any]) -> str:
    """Return what two runs differ in, the value of each on a line of its own."""
    one, other = found["runs"]
    blocks = [f"- {one}\n+ {other}"]
    for name in ("recipe", "hashes", "versions"):
        changes = (line for change in found[name] for line in _change(change, short=name == "hashes"))
        blocks.append("\n".join([name, *changes]) if found[name] else f"{name}: the same")
    rungs = (line for each in found["rungs"] for line in _rung(each))
    blocks.append("\n".join(["ladder", *rungs]) if found["rungs"] else "ladder: neither has measured anything")
    return plain("\n\n".join(blocks))


def _change(change: Mapping[str, Any], *, short: bool) -> Iterator[str]:
    yield f"  {change['key']}"
    for sign, value in zip("-+", change["values"], strict=True):
        text = "not there" if value is None else str(value)
        yield f"  {sign} {text[:SHORT] if short else ' '.join(text.split())}"


def _rung(each: Mapping[str, Any]) -> Iterator[str]:
    yield f"  {each['rung']}"
    for sign, metric, value in zip("-+", each["metrics"], each["values"], strict=True):
        figures = f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]" if value else "not measured"
        yield f"  {sign} {metric} {figures}"


def _head(run: Run, promoted: str | None) -> str:
    manifest = run.manifest
    state = f"{run.state}: {manifest.why}" if manifest.why and run.state != "done" else run.state
    lines = {
        "run": f"{run.id} ({manifest.name})",
        "state": state,
        "started": shown(manifest.created),
        "attempts": str(len(manifest.attempts)) if len(manifest.attempts) > 1 else "",
        "parent": manifest.parent,
        "promoted": promoted or "no",
        "folder": str(run.folder),
    }
    if run.state in ("interrupted", "failed"):
        lines["next"] = "loresmith build --resume goes on with it"
    return _listed(lines)


def _made_of(manifest: Manifest) -> str:
    machine = manifest.hardware
    hashes = {name: value[:SHORT] for name, value in manifest.hashes.items()}
    cores = f"{machine.get('cores', '?')} cores, {machine.get('memory', 0) / 2**30:.0f} GiB"
    accelerators = ", ".join(machine.get("accelerators", [])) or "no accelerator"
    lines = {
        "seed": str(manifest.seed),
        "hashes": _pairs(hashes),
        "versions": _pairs(manifest.versions),
        "plugins": _pairs({each["name"]: each["version"] for each in manifest.plugins if each["state"] == "loaded"}),
        "machine": f"{machine.get('cpu', '?')}, {cores}, {accelerators}",
    }
    return _listed(lines)


def _steps(manifest: Manifest) -> str:
    steps = {name: f"{shown(step.at)}  {_brief(step.value)}".rstrip() for name, step in manifest.steps.items()}
    return f"steps done\n{_listed(steps, '  ')}" if steps else ""


def _receipts(run: Run) -> str:
    receipts = {name: _brief(value) for name, value in run.receipts().items()}
    return f"receipts\n{_listed(receipts, '  ')}" if receipts else ""


def _ladder(run: Run) -> str:
    from loresmith.ladder.table import render

    report = run.read_report()
    if report:
        return f"{render(report)}\n\nreport: {run.report_html}"
    measured = run.answered_rungs()
    return f"no ladder yet; measured so far: {', '.join(measured) or 'nothing'}"


def _brief(value: Any) -> str:
    """Return the plain figures of a value; what is nested is in the files."""
    if not isinstance(value, dict):
        return "" if value is None or isinstance(value, list) else str(value)
    flat = {key: each for key, each in value.items() if each is None or isinstance(each, str | int | float)}
    return ", ".join(f"{key} {each if isinstance(each, str) else json.dumps(each)}" for key, each in flat.items())


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}".rstrip() for name, value in values.items())


def _listed(lines: dict[str, str], indent: str = "") -> str:
    import textwrap

    width = max(map(len, lines))
    texts = [
        textwrap.fill(
            text,
            COLUMNS,
            initial_indent=f"{indent}{name.ljust(width)}  ",
            subsequent_indent=" " * (len(indent) + width + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, text in lines.items()
        if text
    ]
    return "\n".join(texts)
