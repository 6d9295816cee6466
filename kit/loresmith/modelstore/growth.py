"""Tells how far a download is by the size of what it has written so far."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from loresmith.specs import Progress


@contextmanager
def watched(folder: Path, total: int, progress: Progress) -> Iterator[None]:
    """Call `progress` with (bytes in `folder`, `total` bytes) several times a second while the block runs."""
    over = Event()

    def watch() -> None:
        while not over.wait(0.25):
            progress(min(_size(folder), total), total)

    thread = Thread(target=watch, name="download-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    progress(total, total)


def _size(folder: Path) -> int:
    size = 0
    # Files and folders come and go while the download runs; unlike Path.rglob, os.walk takes that.
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += (Path(parent) / name).stat().st_size
    return size
