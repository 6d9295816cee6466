"""Which process did it: a process id alone is reused, so it is kept with the time its process started."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a machine.

    Args:
        pid: Its process id.
        started: When it started, in the kernel's own terms; empty where the system does not tell.
        host: The machine's name.
    """

    pid: int
    started: str
    host: str

    @classmethod
    def this(cls) -> Process:
        """Return the process that asks."""
        return cls(os.getpid(), _started(os.getpid()), socket.gethostname())

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Process:
        """Read what `to_json` gave; raises KeyError, TypeError or ValueError on anything else."""
        return cls(int(value["pid"]), str(value["started"]), str(value["host"]))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object it is kept as."""
        return asdict(self)

    @property
    def here(self) -> bool:
        """Whether it is, or was, a process of this machine."""
        return self.host == socket.gethostname()

    @property
    def gone(self) -> bool:
        """Whether it is known to have ended. Of a process on another machine nothing is known."""
        if not self.here or not _exists(self.pid):
            return self.here
        return bool(self.started) and self.started != _started(self.pid)


def _exists(pid: int) -> bool:
    if os.name != "posix":
        # There, signal 0 would not ask but kill.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _started(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of the program comes second, in parentheses, and may hold anything.
    fields = stat.rpartition(")")[2].split()
    return "ended" if fields[0] in ("Z", "X") else f"{_boot()}/{fields[19]}"


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
