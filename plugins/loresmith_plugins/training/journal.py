"""What was asked of a model and answered, item by item, so that a stop loses at most the item in hand."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loresmith.errors import TrainError


class Journal:
    """Rows by key in a JSON Lines file that only grows; a row is on the disk before `put` returns.

    Args:
        path: The file. One that a kill cut short is taken up as far as its lines are whole.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, dict[str, Any]] = {}
        if path.is_file():
            self._take_up()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the row of a key; None if there is none yet."""
        return self._rows.get(key)

    def put(self, key: str, row: Mapping[str, Any]) -> None:
        """Append a row of JSON values; a later row of the same key takes the place of the earlier one.

        Raises:
            TrainError: If it cannot be written; the rows before it are still there.
        """
        text = json.dumps({"key": key, "row": dict(row)}, ensure_ascii=False, allow_nan=False)
        line = text.encode("utf-8", "replace") + b"\n"  # a lone surrogate in a reply must not end the work
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as stream:
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            reason = "the disk is full" if error.errno == errno.ENOSPC else str(error)
            raise TrainError(
                f'the journal "{self._path.name}" cannot be written: {reason}',
                "Make room, then go on with `loresmith build --resume`: what is in it is not asked again.",
            ) from error
        self._rows[key] = json.loads(line)["row"]

    def _take_up(self) -> None:
        """Read the whole lines, and cut off what follows them, so that the next row starts a line of its own."""
        raw, whole = self._path.read_bytes(), 0
        for line in raw.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                entry = json.loads(line)
                self._rows[entry["key"]] = entry["row"]
            except (ValueError, KeyError, TypeError):
                break
            whole += len(line)
        if whole < len(raw):
            os.truncate(self._path, whole)
