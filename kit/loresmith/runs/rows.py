"""JSON Lines files that grow while work goes on, and survive being cut off in the middle of a line.

A row is appended by one write, whole with its newline. What a kill or a full disk leaves of one is passed over when
reading and taken away before the next row is appended.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

TAIL = 65_536
"""Bytes read at a time when looking back for the end of the last whole line."""


def jsonable(value: Any) -> Any:
    """Return `value` as JSON holds it: numbers of other libraries as Python's, NaN and infinity null, paths text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return jsonable(asdict(value))
    if isinstance(value, Path):
        return value.as_posix()
    # Scalars and arrays of numpy and torch have `tolist`, so that neither need be imported here.
    return jsonable(value.tolist()) if hasattr(value, "tolist") else str(value)


def append_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows and hand them to the operating system; a torn last line is taken away first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(jsonable(row), ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    with path.open("a+b") as stream:
        _mend(stream.fileno())
        # Lone surrogates come from broken input; they must not stop the run that reports them.
        stream.write(text.encode("utf-8", "replace"))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows that are whole; none where there is no file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [row for line in text.split("\n") if (row := _row(line)) is not None]


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _mend(file: int) -> None:
    """Make the file end with a newline: complete a row that only lacks it, cut off one that is torn."""
    size = os.lseek(file, 0, os.SEEK_END)
    if size == 0 or _piece(file, size - 1, 1) == b"\n":
        return
    start, tail = size, b""
    while start > 0 and b"\n" not in tail:
        start = max(0, start - TAIL)
        tail = _piece(file, start, size - start)
    end = start + tail.rfind(b"\n") + 1
    if _row(tail[end - start :].decode("utf-8", "replace")) is not None:
        os.write(file, b"\n")
    else:
        os.ftruncate(file, end)


def _piece(file: int, start: int, size: int) -> bytes:
    os.lseek(file, start, os.SEEK_SET)
    return os.read(file, size)
