"""Ranking in the terminal: one task after the other, single keys, replies drawn beside."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from loresmith.cli.errors import plain
from loresmith.journal.judgements import Judgements, Task
from loresmith.labelling.drawing import Drawer
from loresmith.labelling.ranking import KEYS, Ranking, asked_text
from loresmith.lock import ProjectLock
from loresmith.project import Project

QUIT = "q"
EVERY = 0.2
"""Seconds between two looks while there is nothing to rank yet."""


class Beside:
    """Draws in a thread of its own; what goes wrong there is kept until somebody asks.

    Args:
        project: The project, whose lock is held while it draws.
        drawer: Draws.
        note: Told what the lock has to say.
    """

    def __init__(self, project: Project, drawer: Drawer, note: Callable[[str], None]) -> None:
        self._project, self._drawer, self._note = project, drawer, note
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: Exception | None = None

    @contextmanager
    def drawing(self, count: int) -> Iterator[None]:
        """Draw to so many questions while the block lasts; it ends with the batch in hand."""
        # A daemon, so that a second Ctrl-C need not wait for a batch; what is drawn is in the journal.
        self._thread = threading.Thread(target=self._run, args=(count,), daemon=True)
        if count > 0:
            self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            if self._thread.is_alive():
                self._note("stopping with the replies in hand")
                self._thread.join()

    @property
    def going(self) -> bool:
        """Whether there are replies to come."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Wait a moment for what comes."""
        if self._thread:
            self._thread.join(EVERY)

    def _run(self, count: int) -> None:
        try:
            with ProjectLock(self._project, "label", self._note):
                self._drawer.draw(count, self._stop.is_set)
        # Whatever happens in a thread, nobody hears of it unless it is told by the one that waits.
        except Exception as error:  # noqa: BLE001
            self.error = error


class Sitting:
    """One sitting of a person.

    Args:
        judgements: The tasks.
        beside: Draws more of them.
        note: Says a line.
        read_key: Gives the next key; an empty text at the end of the input.
    """

    def __init__(
        self, judgements: Judgements, beside: Beside, note: Callable[[str], None], read_key: Callable[[], str]
    ) -> None:
        self._judgements, self._beside, self._note, self._read_key = judgements, beside, note, read_key
        self.judged = 0

    def run(self, count: int) -> None:
        """Have so many tasks judged, or as many as there are, or until the person leaves.

        Raises:
            LoresmithError: If nothing can be drawn, and nothing waits.
        """
        while self.judged < count and (task := self._next()) is not None:
            if not self._rank(task, count):
                return
        if self._beside.error is not None:
            raise self._beside.error

    def _next(self) -> Task | None:
        told = False
        while True:
            going = self._beside.going  # before the look: what came last comes before the end
            task = self._judgements.next()
            if task or not going:
                return task
            if not told:
                self._note("drawing replies; the model is loaded first")
            told = True
            self._beside.wait()

    def _rank(self, task: Task, count: int) -> bool:
        """Have one task judged; return False when the person leaves."""
        ranking = Ranking(task)
        self._show(ranking, count)
        while True:
            key = self._read_key()
            if key in ("", QUIT):
                return False
            if key == "s":
                return self._keep(task, None)
            if key == "u" and not ranking.undo():
                self._back()
                return True
            self._press(ranking, key)
            self._note(f"  {ranking}")
            if ranking.done:
                return self._keep(task, ranking)

    def _back(self) -> None:
        """Let the task that was judged last be the next one."""
        if self._judgements.undo() is None:
            self._note("there is nothing to undo")
        self.judged = max(0, self.judged - 1)

    @staticmethod
    def _press(ranking: Ranking, key: str) -> None:
        if key.isdecimal():
            ranking.pick(int(key) - 1)
        elif key in ("=", "t"):
            ranking.tie()
        elif key in ("\r", "\n"):
            ranking.rest()

    def _keep(self, task: Task, ranking: Ranking | None) -> bool:
        self._judgements.judge(task, ranking.ranks if ranking else None)
        self.judged += 1
        return True

    def _show(self, ranking: Ranking, count: int) -> None:
        lines = [f"--- {self.judged + 1} of {count}", asked_text(ranking.task)]
        for number, reply in enumerate(ranking.shown, 1):
            cut = "" if reply.whole else " (cut off)"
            lines.append(f"\n{number}) {reply.text}{cut}")
        self._note(plain("\n".join([*lines, "", f"1-{len(ranking.shown)}: {KEYS}"])))


@contextmanager
def key_reader() -> Iterator[Callable[[], str]]:
    """Give what reads a key: at a terminal at once, else a character of the standard input; empty at the end."""
    if not sys.stdin.isatty():
        yield lambda: sys.stdin.read(1)
        return
    with _single_keys():
        yield _pressed


@contextmanager
def _single_keys() -> Iterator[None]:
    """Have the terminal hand over each key at once, those typed ahead too, where the system can."""
    try:
        import termios
        import tty
    except ImportError:
        yield
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _pressed() -> str:
    try:
        key = sys.stdin.read(1) if os.name == "posix" else click.getchar()
    except (EOFError, KeyboardInterrupt):
        return QUIT
    return QUIT if key == "\x04" else key
