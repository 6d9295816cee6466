"""Which process did it: a process id alone is reused, so it is kept with the time its process started.

What the kernel tells of one by `/proc` is told; on systems without that, only whether it is there.
"""

from __future__ import annotations

import os
import socket
import sys
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
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Process:
        """Return the process of this machine that has an id now."""
        return cls(pid, _started(pid), socket.gethostname())

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

    @property
    def paused(self) -> bool:
        """Whether a signal stopped it until another one lets it go on; False where the system does not tell."""
        return self.here and not self.gone and _stat(self.pid)[:1] == ["T"]

    @property
    def memory(self) -> tuple[int, int]:
        """Bytes of memory it has now, and the most it ever had; zeros where the system does not tell."""
        figures = _status(self.pid) if self.here and not self.gone else {}
        return figures.get("VmRSS", 0), figures.get("VmHWM", 0)


def peak_memory() -> int:
    """Return the most bytes of memory this process ever had; 0 where the system does not tell."""
    peak = _status(os.getpid()).get("VmHWM", 0)
    if peak or os.name != "posix":
        return peak
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


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
    fields = _stat(pid)
    if not fields:
        return ""
    return "ended" if fields[0] in ("Z", "X") else f"{_boot()}/{fields[19]}"


def _stat(pid: int) -> list[str]:
    """Return the fields of a process after its name, the first of which is its state; none where they are not told."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The name of the program comes second, in parentheses, and may hold anything.
    return stat.rpartition(")")[2].split()


def _status(pid: int) -> dict[str, int]:
    """Return the figures of a process that are in kB, in bytes."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    words = (line.split() for line in lines)
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in words if len(line) == 3 and line[2] == "kB"}


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
