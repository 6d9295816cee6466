"""Long work: commands in processes of their own, which outlive the app and tell by files how far they are."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from loresmith.cli.progress import LINES_VARIABLE
from loresmith.errors import LockHeld
from loresmith.lock import Holder, holder
from loresmith.process import Process
from loresmith.project import Project

TAIL = 8000
"""Bytes of the log that are looked at."""
NICENESS = 10
"""How far a command that is started here stands back for the app, from 0 to 19."""
_PROGRESS = re.compile(r"(?P<activity>.+): (?P<percent>\d+) %(?P<left>, .+ left)?")


class Progress(NamedTuple):
    """How far a command is.

    Args:
        activity: What it is at.
        percent: How much of it is done.
        left: How long that still takes, as `, 2 min 5 s left`; empty where that is not known.
    """

    activity: str
    percent: int
    left: str = ""


STARTING = Progress("loading the libraries", 0)
"""How far a command is that does not say yet."""


class Jobs:
    """The writing commands of a project: at most one runs at a time, whoever started it.

    Args:
        project: The project.
        disabled: Plugins that the commands leave out.
    """

    def __init__(self, project: Project, disabled: Collection[str] = ()) -> None:
        self._project, self._disabled = project, disabled
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the command that was started last has said."""
        return self._project.state / "app.log"

    def start(self, *words: str) -> None:
        """Start a command of `loresmith` that goes on when the app is closed.

        Raises:
            LockHeld: If one is at work.
        """
        at_work = self.at_work()
        # Of a holder on another machine only the lock itself knows whether it is still there.
        if (at_work and at_work.process.here) or self.running:
            raise LockHeld(f"{at_work or 'a command'} is at work in this project", "Wait for it, or stop it first.")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        left_out = [word for name in sorted(self._disabled) for word in ("--no-plugin", name)]
        command = [sys.executable, "-m", "loresmith", *words, "--project", str(self._project.root), *left_out]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, LINES_VARIABLE: "0.5", "PYTHONUNBUFFERED": "1"},
                # A session of its own: neither a closed terminal nor Ctrl-C in it reaches the command.
                start_new_session=True,
            )
        with suppress(OSError):
            # Who looks comes first: training takes what the screen leaves, which alone is everything.
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)

    @property
    def running(self) -> bool:
        """Whether the command that was started here still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """With which code the command that was started here has ended; None if it runs, or if there was none."""
        return self._process.poll() if self._process else None

    def at_work(self) -> Holder | None:
        """Return the command that writes in the project, wherever it was started."""
        return holder(self._project)

    @property
    def process(self) -> Process | None:
        """The process of the command that is at work on this machine, or that starts here; None if there is none."""
        at_work = self.at_work()
        if at_work and at_work.process.here:
            return at_work.process
        return Process.of(self._process.pid) if self.running and self._process else None

    def stop(self) -> bool:
        """Ask the command to stop and keep what it has; return whether there was one."""
        process = self.process
        if process is None:
            return False
        os.kill(process.pid, signal.SIGINT)
        # One that is paused hears of it only when it goes on.
        _signal_all(process, signal.SIGCONT)
        return True

    def pause(self) -> bool:
        """Stop the command where it is, or let it go on if it is paused; return whether there was one."""
        process = self.process
        if process is None:
            return False
        _signal_all(process, signal.SIGCONT if process.paused else signal.SIGSTOP)
        return True

    def said(self) -> list[str]:
        """Return the last lines of what the command has said, without those of progress."""
        return [line for line in self._tail() if not _PROGRESS.fullmatch(line)]

    def progress(self) -> Progress | None:
        """Return how far the command is; None where it does not say."""
        found = [match for line in self._tail() if (match := _PROGRESS.fullmatch(line))]
        if not found:
            return None
        activity, percent, left = found[-1].groups("")
        return Progress(activity, int(percent), left)

    def _tail(self) -> list[str]:
        try:
            with self.log.open("rb") as stream:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - TAIL))
                return stream.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []


def _signal_all(process: Process, number: signal.Signals) -> None:
    """Send a signal to a command and what it started: its group of processes if it leads one, else itself alone."""
    if os.getpgid(process.pid) == process.pid:
        os.killpg(process.pid, number)
    else:
        os.kill(process.pid, number)
