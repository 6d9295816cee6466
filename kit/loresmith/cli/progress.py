"""Progress of long work on stderr, with the time left: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from loresmith.cli.pace import Pace
from loresmith.moments import duration

Report = Callable[[str, int, int], None]
"""Called with (what is going on, done, total)."""

SECONDS_BETWEEN_LINES = 10.0
LINES_VARIABLE = "LORESMITH_PROGRESS_SECONDS"
"""Environment variable with the seconds between two plain lines, for programs that draw their own bars."""


@contextmanager
def progress_report() -> Iterator[Report]:
    """Give a callable that shows how far each activity is; one bar an activity."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def report(activity: str, done: int, total: int) -> None:
            if activity not in tasks:
                tasks[activity] = bars.add_task(activity, total=total)
            bars.update(tasks[activity], completed=done, total=total)

        yield report


def _lines() -> Report:
    shown: dict[str, float] = {}
    pause, pace = _pause(), Pace()

    def report(activity: str, done: int, total: int) -> None:
        now = time.monotonic()
        left = pace.left(activity, done, total, now)
        first = activity not in shown
        ended = done >= total and shown.get(activity) != float("inf")
        if first or ended or now - shown[activity] >= pause:
            shown[activity] = float("inf") if ended else now
            about = f", {duration(left)} left" if left is not None and not ended else ""
            print(f"{activity}: {done * 100 // max(total, 1)} %{about}", file=sys.stderr, flush=True)

    return report


def _pause() -> float:
    try:
        return max(0.0, float(os.environ.get(LINES_VARIABLE, SECONDS_BETWEEN_LINES)))
    except ValueError:
        return SECONDS_BETWEEN_LINES
