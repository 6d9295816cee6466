"""The ids of runs: how one is made, and which run a person means."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from loresmith.errors import UsageError

START = "Start one with `loresmith build`."


def run_ids(runs: Path) -> list[str]:
    """Return the ids of all runs, sorted, which is by the time they were created."""
    if not runs.is_dir():
        return []
    with os.scandir(runs) as found:
        return sorted(entry.name for entry in found if entry.is_dir() and not entry.name.startswith("."))


def new_id(runs: Path, recipe_hash: str) -> str:
    """Return an id that is free: time (UTC), the first digits of the recipe's hash, and a count where that is taken."""
    stem = f"{datetime.now(UTC):%Y%m%d-%H%M}-{recipe_hash[:4]}"
    taken = set(run_ids(runs))
    free = (f"{stem}-{count}" for count in range(2, len(taken) + 3))
    return stem if stem not in taken else next(name for name in free if name not in taken)


def clear_away(runs: Path) -> None:
    """Remove the folders of runs that were killed while they were made."""
    for path in runs.glob(".*.tmp"):
        shutil.rmtree(path)


def check_id(runs: Path, run_id: str) -> None:
    """Refuse an id of which there is no run.

    Raises:
        UsageError: Naming the nearest.
    """
    there = run_ids(runs)
    if run_id not in there:
        raise _unknown(run_id, there)


def meant(runs: Path, name: str) -> str:
    """Return the id of the run that a whole id or the unique beginning of one means.

    Raises:
        UsageError: If it means none, or several.
    """
    there = run_ids(runs)
    found = [run_id for run_id in there if run_id.startswith(name)] if name else []
    if name in there or len(found) == 1:
        return name if name in there else found[0]
    if found:
        raise UsageError(f'"{name}" is the beginning of {len(found)} runs', f"Which of these: {', '.join(found)}?")
    raise _unknown(name, there)


def _unknown(name: str, there: Sequence[str]) -> UsageError:
    if not there:
        return UsageError(f'no run "{name}": this project has no runs yet', START)
    near = difflib.get_close_matches(name, there, n=1)
    hint = f'Did you mean "{near[0]}"? ' if near else ""
    listed = ", ".join(reversed(there[-5:]))
    return UsageError(f'no run "{name}"', f"{hint}The latest: {listed}. All: `loresmith runs ls`.")
