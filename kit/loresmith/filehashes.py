"""Hashes of large files, read once: what was read is remembered by size and time of change in the user's cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from loresmith import files
from loresmith.files import read_json, write_json
from loresmith.values import content_hash


@contextmanager
def remembered_hashes(folder: Path) -> Iterator[Callable[[Path], str]]:
    """Give a `file_hash` for the files below a folder that reads none twice while it stays as it was."""
    memory = _memory(folder)
    before = _remembered(memory)
    after = dict(before)

    def hash_of(path: Path) -> str:
        status = path.stat()
        name = path.relative_to(folder).as_posix()
        size, changed, known = before.get(name, (-1, -1, ""))
        same = (size, changed) == (status.st_size, status.st_mtime_ns)
        after[name] = [status.st_size, status.st_mtime_ns, known if same else files.file_hash(path)]
        return str(after[name][2])

    yield hash_of
    if after != before:
        # Without its memory the next start is slower, and nothing else.
        with suppress(OSError):
            write_json(memory, after)


def _memory(folder: Path) -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("loresmith") / "hashes" / f"{content_hash(str(folder.resolve()))[:32]}.json"


def _remembered(memory: Path) -> dict[str, list[Any]]:
    try:
        return {
            str(name): [int(size), int(changed), str(known)]
            for name, (size, changed, known) in read_json(memory).items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
