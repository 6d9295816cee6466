"""A command that believes to be at a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Sequence
from pathlib import Path


class Terminal:
    """A child at a terminal of its own.

    Args:
        folder: Where it runs.
        command: The program and its arguments.
    """

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ["TERM"] = "dumb"
            os.execv(command[0], command)
        self.seen = ""

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """Read up to `text`, and return what came before and with it."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096).decode("utf-8", "replace")
            except OSError:
                break
        before, found, self.seen = self.seen.partition(text)
        assert found, before
        return before + found

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def interrupt_until(self, text: str) -> None:
        """Press Ctrl-C until `text` is seen.

        The interpreter notices a signal at the prompt only while it waits for a key: one that comes while it echoes
        the last key is noticed at the next.
        """
        for _ in range(60):
            self.type("\x03")
            try:
                self.wait_for(text, seconds=0.5)
            except AssertionError:
                continue
            return
        raise AssertionError(f"no {text!r} in {self.seen!r}")

    def exit_code(self) -> int:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.fd, 4096).decode("utf-8", "replace")
                except OSError:
                    time.sleep(0.05)
        raise AssertionError(f"still running; {self.seen!r}")

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
