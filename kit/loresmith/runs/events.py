"""`events.jsonl` of a run: what happened, in order."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loresmith.moments import now
from loresmith.runs.rows import append_rows, jsonable, read_rows


class EventLog:
    """The events of one run. One process appends, any number read; threads may append at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: int | None = None
        self._guard = threading.Lock()

    def read(self) -> list[dict[str, Any]]:
        """Return all events that are whole, oldest first."""
        return read_rows(self._path)

    def append(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Append an event and return it as it was written: with `n`, which counts from 1 without gaps, and `time`."""
        with self._guard:
            if self._last is None:
                self._last = max((int(row.get("n", 0)) for row in self.read()), default=0)
            row = {**jsonable(event), "n": self._last + 1, "time": now()}
            append_rows(self._path, [row])
            self._last += 1
        return row
