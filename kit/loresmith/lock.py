"""One writer in a project at a time. The operating system holds the lock, so it ends with its process, even by a kill.

The file beside the lock only names the holder. Readers (`ask`, `search`, `runs ls`) take no lock: what they read is
always whole.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from loresmith.errors import LockHeld
from loresmith.files import read_json, sweep, write_json
from loresmith.moments import now, shown
from loresmith.process import Process
from loresmith.project import Project

if TYPE_CHECKING:
    from filelock import BaseFileLock

PATIENCE = 1.0
"""Seconds to wait for a holder to write its name after it has taken the lock."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: the command, its process, and since when."""

    command: str
    process: Process
    since: str

    def __str__(self) -> str:
        place = "" if self.process.here else f" on {self.process.host}"
        return f"`loresmith {self.command}` (process {self.process.pid}{place}, since {shown(self.since)})"


@dataclass(slots=True)
class _Held:
    lock: BaseFileLock
    depth: int


_held: dict[Path, _Held] = {}
_guard = threading.Lock()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class ProjectLock:
    """Holds a project for one writer while the block runs; in one process, blocks may nest.

        with ProjectLock(project, "build"):
            ...

    Args:
        project: The project to write in.
        command: What is being done, for the message another writer gets.
        note: Is told when the lock of a process that is gone was taken over.

    Raises:
        LockHeld: On entering, if another process writes in the project; names it.
    """

    def __init__(self, project: Project, command: str, note: Callable[[str], None] = _say) -> None:
        self._project = project
        self._command = command
        self._note = note

    def __enter__(self) -> Self:
        with _guard:
            held = _held.get(self._project.lock)
            if held:
                held.depth += 1
            else:
                _held[self._project.lock] = _Held(self._acquired(), 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _guard:
            held = _held[self._project.lock]
            held.depth -= 1
            if held.depth == 0:
                del _held[self._project.lock]
                _released(held.lock, self._project)

    def _acquired(self) -> BaseFileLock:
        from filelock import FileLock, Timeout

        self._project.lock.parent.mkdir(parents=True, exist_ok=True)
        # A block may be left in another thread than it was entered in: the app's workers do.
        lock = FileLock(self._project.lock, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise _refusal(self._project) from error
        try:
            self._sign()
        except BaseException:
            lock.release()
            raise
        return lock

    def _sign(self) -> None:
        before = _read_holder(self._project)
        write_json(
            _signature(self._project),
            {"command": self._command, "since": now(), "process": Process.this().to_json()},
        )
        if before:
            sweep(self._project.state)
            self._note(f"note: took over the lock of {before}, whose process is gone; what it finished is kept")


def holder(project: Project) -> Holder | None:
    """Return who writes in a project now, or None; of one on another machine nobody knows whether it is gone."""
    found = _read_holder(project)
    return None if found is None or found.process.gone else found


def _released(lock: BaseFileLock, project: Project) -> None:
    try:
        _signature(project).unlink(missing_ok=True)
    finally:
        lock.release()


def _signature(project: Project) -> Path:
    return project.lock.with_name("lock.json")


def _read_holder(project: Project) -> Holder | None:
    try:
        value = read_json(_signature(project))
        return Holder(str(value["command"]), Process.from_json(value["process"]), str(value["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refusal(project: Project) -> LockHeld:
    holder = _living_holder(project)
    if holder is None:
        return LockHeld(
            f'another process writes in "{project.root}" and did not leave its name',
            "Wait for it to end and try again. Asking and searching need no lock.",
        )
    where = "" if holder.process.here else f" on {holder.process.host}"
    return LockHeld(
        f'"{project.root}" is being written by {holder}',
        f"Wait for it to end, or stop it (Ctrl-C there, or kill {holder.process.pid}{where}): what it finished is "
        "kept. Asking and searching need no lock.",
    )


def _living_holder(project: Project) -> Holder | None:
    deadline = time.monotonic() + PATIENCE
    while True:
        # Between taking the lock and signing, the name that stands there is missing or that of a process that is gone.
        holder = _read_holder(project)
        if holder and not holder.process.gone:
            return holder
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
