"""`answers/<rung>.jsonl` of a run: every answer of a rung. What an interrupted measurement finished is kept.

While a rung is measured its rows grow in a hidden file named by the key of the measurement, so that rows of another
adapter or index are never taken for them. When all are there, the file takes its proper name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loresmith.files import write_jsonl
from loresmith.runs.rows import append_rows, jsonable, read_rows
from loresmith.values import content_hash


class AnswerFiles:
    """The answers of one run, by rung."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, rung: str) -> Path:
        """Return the file of a rung's finished answers."""
        return self._folder / f"{rung}.jsonl"

    def rungs(self) -> list[str]:
        """Return the rungs whose answers are finished, sorted."""
        return sorted(path.stem for path in self._folder.glob("[!.]*.jsonl"))

    def finished(self, rung: str) -> list[dict[str, Any]]:
        """Return the finished answers of a rung, or none."""
        return read_rows(self.path(rung))

    def growing(self, rung: str, key: str) -> list[dict[str, Any]]:
        """Return the answers so far of the measurement `key`; an id asked twice counts once, the later one."""
        return list({row.get("id"): row for row in read_rows(self._growing_path(rung, key))}.values())

    def append(self, rung: str, rows: Iterable[Mapping[str, Any]], key: str) -> None:
        """Keep answers of the measurement `key`."""
        append_rows(self._growing_path(rung, key), rows)

    def finish(self, rung: str, key: str, ids: Sequence[str] | None) -> None:
        """Give the answers of `key` their proper name, ordered by `ids` if given.

        Raises:
            KeyError: If an id has no answer.
        """
        rows = {row.get("id"): row for row in self.growing(rung, key)}
        write_jsonl(self.path(rung), map(jsonable, rows.values() if ids is None else [rows[each] for each in ids]))

    def forget_growing(self, rung: str) -> None:
        """Remove what grew for a rung, under any key."""
        for path in self._folder.glob(f".{rung}.*.part"):
            path.unlink(missing_ok=True)

    def _growing_path(self, rung: str, key: str) -> Path:
        return self._folder / f".{rung}.{content_hash(key)[:16]}.part"
