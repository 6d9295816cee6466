"""The command line in processes of its own, to be watched, interrupted and killed.

They are forked from a server that has imported the heavy libraries once, for the imports take most of a small build.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEAVY = [
    "loresmith.building.pipeline",
    "loresmith_plugins.methods.sft.train",
    "loresmith_plugins.engines.transformers.chat_model",
    "transformers.models.llama.modeling_llama",
    "transformers.models.bert.modeling_bert",
    "langchain_text_splitters",
    "peft",
    "chromadb",
    "bm25s",
    "Stemmer",
]
PATIENCE = 120.0
"""Seconds after which a command counts as hanging."""


@dataclass(frozen=True)
class Ended:
    """A command that ended; a negative code is the signal that ended it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed on stdout, which must be one JSON value and nothing else."""
        return json.loads(self.out)


class Command:
    """A command that runs.

    Args:
        logs: Folder for what it writes.
        arguments: The command and its options.
        before: Called in the new process; must be a function of a module.
    """

    def __init__(self, logs: Path, *arguments: str | Path, before: Callable[[], None] | None = None) -> None:
        number = len(list(logs.glob("*.out")))
        self._out, self._err = logs / f"{number}.out", logs / f"{number}.err"
        self._out.touch()
        server = multiprocessing.get_context("forkserver")
        server.set_forkserver_preload(HEAVY)
        words = [str(argument) for argument in arguments]
        self.started = time.monotonic()
        self._process = server.Process(
            target=_child, args=(words, dict(os.environ), Path.cwd(), self._out, self._err, before)
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> Ended:
        self._process.join(PATIENCE)
        if self.running:
            self._process.kill()
            self._process.join()
            raise AssertionError(f"the command hangs; it said:\n{self._err.read_text(encoding='utf-8')}")
        assert self._process.exitcode is not None
        return Ended(
            self._process.exitcode, self._out.read_text(encoding="utf-8"), self._err.read_text(encoding="utf-8")
        )

    def kill_after(self, seconds: float) -> Ended:
        """Kill it that long after its start, unless it ended before."""
        time.sleep(max(0.0, self.started + seconds - time.monotonic()))
        if self.running:
            self._process.kill()
        return self.wait()

    def until(self, seen: Callable[[], object], what: str) -> None:
        """Wait until something is to be seen."""
        end = time.monotonic() + PATIENCE
        while not seen():
            if not self.running or time.monotonic() > end:
                raise AssertionError(f"{what} was never seen; the command said:\n{self.wait().err}")
            time.sleep(0.005)

    def until_said(self, text: str) -> None:
        """Wait until it has written a text to stderr."""
        self.until(lambda: self._err.exists() and text in self._err.read_text(encoding="utf-8"), f'"{text}"')


class CommandLine:
    """Runs commands; all that they write goes into a folder.

    Args:
        logs: That folder.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs

    def start(self, *arguments: str | Path, before: Callable[[], None] | None = None) -> Command:
        """Start a command in the environment and the folder that this process has now."""
        return Command(self._logs, *arguments, before=before)

    def run(self, *arguments: str | Path, before: Callable[[], None] | None = None) -> Ended:
        """Run a command to its end."""
        return self.start(*arguments, before=before).wait()


def run_installed(*arguments: str | Path) -> Ended:
    """Run a command as a shell does, in a Python of its own."""
    words = [sys.executable, "-m", "loresmith", *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def _child(
    words: list[str],
    environment: Mapping[str, str],
    folder: Path,
    out: Path,
    err: Path,
    before: Callable[[], None] | None,
) -> None:
    for path, number in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, number)
        os.close(file)
    # The server ignores Ctrl-C, and so do its children, unless they are told.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if before:
        before()
    from loresmith.cli.main import main

    sys.argv = ["pytest", *words]
    main(words)
