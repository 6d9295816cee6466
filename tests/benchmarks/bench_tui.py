"""How quickly the terminal app answers: the first screen, and key to paint in every room of a large project.

    python tests/benchmarks/bench_tui.py [--documents 500] [--examples 5000] [--runs 200] [--messages 300] [--training]
                                         [--rooms build chat] [--keep DIR]

A project with tiny models is built and then made large: documents indexed, the split frozen over all examples, runs
copied, a conversation in the journal. The app is opened on it as in a terminal; each room is entered, its keys are
pressed, and what counts is the time from a key to the next paint, the text for the terminal included. With --training a
training runs meanwhile, and with --keep DIR the project is kept, or taken if it is there.
It prints what is wanted and what was found, and exits with 1 if anything is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pty
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench_retrieval import Checks
from textual import events
from textual._compositor import CompositorUpdate
from textual.pilot import Pilot

import loresmith_tui
from loresmith.journal.conversations import Conversation
from loresmith.project import Project
from loresmith.values import Answer, Trace
from loresmith_tui.app import LoresmithApp
from loresmith_tui.jobs import Jobs
from loresmith_tui.rooms import ROOMS
from loresmith_tui.session import Session
from loresmith_tui.sweeping import Sweeper
from small_project import edit_recipe, write_project, write_rows
from tiny_embedder import tiny_embedder
from tiny_models import write_chat_model

LORESMITH = [sys.executable, "-m", "loresmith"]
FIRST_SCREEN = 1.2
"""Seconds from the command to the first screen."""
KEY_TO_PAINT = 0.1
"""Seconds from a key to its paint, in 95 of 100 cases."""
SIZES = ((80, 24), (160, 48))
QUIET = 0.05
"""Seconds after all that a key set going is done, after which it counts as one that paints nothing."""
KEYS = {
    "home": ["down", "up", "tab", "question_mark", "escape"],
    "assemble": ["down", "up", "pagedown", "pageup"],
    "data": ["down", "pagedown", "up", "pageup", "tab"],
    "knowledge": ["down", "up", "tab"],
    "build": ["m", "l", "escape", "m"],
    "ladder": ["w", "s", "m", "down", "pagedown", "up", "tab"],
    "chat": ["a", "b", "backspace", "backspace", "ctrl+b", "pageup", "pagedown"],
    "preferences": ["down", "up", "tab"],
    "runs": ["down", "pagedown", "end", "home", "space", "up"],
    "plugins": ["down", "pagedown", "end", "home"],
    "doctor": ["down", "pagedown", "up"],
    "more": ["tab"],
}
"""What is pressed in a room, again and again. What paints nothing is not counted; where a room paints by itself, as
Build does while a training runs, only what does paint may be pressed."""
BEFORE = {"knowledge": ["slash", *"boat", "enter"]}
"""What is pressed in a room before that, once."""
HEAVY = ("torch", "transformers", "chromadb", "numpy", "langchain_core", "peft", "trl", "onnxruntime")


class Timed(LoresmithApp):
    """The app, which makes the text for the terminal though there is none, and notes when it was made."""

    CSS_PATH = Path(loresmith_tui.__file__).with_name("app.tcss")
    painted = 0.0
    """When it was last."""
    answered = 0.0
    """When it was first since that was set to 0."""

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)
        if renderable is not None and not self._batch_count:
            if isinstance(renderable, CompositorUpdate):
                renderable.render_segments(self.console)
            else:
                self.console._render_buffer(self.console.render(renderable))
            self.painted = time.perf_counter()
            self.answered = self.answered or self.painted


def main() -> int:
    """Measure, and return the exit code."""
    given = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        root = given.keep or Path(scratch)
        project = root / "project"
        if not project.is_dir():
            large_project(root, given)
        checks = Checks()
        first_screen(project, checks)
        with training(project) if given.training else nothing():
            for size in SIZES:
                asyncio.run(rooms(project, size, given, checks))
        return 1 if checks.missed else 0


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, count in {"documents": 500, "examples": 5000, "runs": 200, "messages": 300, "times": 12}.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--training", action="store_true", help="let a training run meanwhile")
    parser.add_argument("--rooms", nargs="+", choices=list(ROOMS), help="only these")
    parser.add_argument("--keep", type=Path, help="where the project is kept, or is already")
    return parser.parse_args()


# ------------------------------------------------------------------------------------------------ the large project


def large_project(root: Path, given: argparse.Namespace) -> None:
    """Build a small project and make it large."""
    models = root / "models"
    write_chat_model(models / "base", window=2048)
    tiny_embedder(models / "embedder")
    project = write_project(root / "project", models / "base", models / "embedder")
    run("build", "--project", project)
    for number in range(given.documents - 8):
        text = f"# Pier {number}\n\n" + f"At pier {number} the boat of {number % 24} o'clock waits for the mail. " * 12
        (project / "docs" / f"pier-{number}.md").write_text(text, encoding="utf-8")
    write_rows(project, [row(number, given.documents - 8) for number in range(given.examples)])
    run("index", "--project", project)
    run("data", "split", "--resplit", "--project", project)
    copies(project, given.runs)
    talk(project, given.messages // 2)


def row(number: int, piers: int) -> dict[str, Any]:
    """Return an example, grounded in one of the piers."""
    pier = number % piers
    question = f"Where does the boat of {number // piers} past {pier % 24} wait, number {number}?"
    return {"question": question, "answer": f"At pier {pier}.", "grounding": [f"pier-{pier}.md"]}


def copies(project: Path, count: int) -> None:
    """Copy the run until there are so many."""
    runs = project / ".loresmith" / "runs"
    [first] = [folder for folder in runs.iterdir() if not folder.name.startswith(".")]
    text = (first / "manifest.json").read_text(encoding="utf-8")
    for number in range(1, count):
        name = f"20240101-{number // 60:02}{number % 60:02}-{number:04x}"
        shutil.copytree(first, runs / name, ignore=shutil.ignore_patterns("checkpoints"))
        manifest = json.loads(text) | {"id": name, "created": f"2024-01-01T{number // 60:02}:{number % 60:02}:00Z"}
        (runs / name / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def talk(project: Path, turns: int) -> None:
    """Keep a conversation of so many turns."""
    conversation = Conversation(Project.open(project))
    for number in range(turns):
        answer = Answer(f"At pier {number}, **before** noon.\n\n- with mail\n- without dogs", [], False, "rag", Trace())
        conversation.add(f"Where does boat {number} wait?", answer)


def run(*words: str | Path) -> None:
    """Run a command of Loresmith."""
    subprocess.run([*LORESMITH, *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# ------------------------------------------------------------------------------------------------ the first screen


def first_screen(project: Path, checks: Checks) -> None:
    """Time the first screen in a terminal of its own, and look at what was imported for it."""
    for what, text in {"the first screen": b"Plug", "the first screen with its lists": b"harbour-desk"}.items():
        times = [opened_in(project, text) for _ in range(5)]
        print(f"{what}: {', '.join(f'{seconds:.2f}' for seconds, _ in times)} s; processor time", end=" ")
        print(f"{statistics.median(used for _, used in times):.2f} s")
        checks.at_most(f"seconds to {what}", statistics.median(seconds for seconds, _ in times), FIRST_SCREEN)
    code = (
        "import asyncio, sys\nsys.path[:0] = sys.argv[2:]\nfrom pathlib import Path\n"
        "from app_driver import opened, until_shown\n"
        "async def look():\n"
        "    async with opened(Path(sys.argv[1])) as pilot:\n"
        "        await until_shown(pilot, 'harbour-desk')\n"
        "        return list(sys.modules)\n"
        "modules = asyncio.run(look())\n"
        f"print(len(modules), *(name for name in {HEAVY} if name in modules))"
    )
    tests = str(Path(__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code, project, tests], capture_output=True, text=True, check=True)
    count, *heavy = done.stdout.split()
    print(f"modules imported by then: {count}")
    checks.at_most(f"heavy libraries among them ({', '.join(heavy) or 'none'})", len(heavy), 0)


def opened_in(project: Path, text: bytes) -> tuple[float, float]:
    """Open the app in a pseudo-terminal; return seconds until a text stands there, and processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started, seen = time.perf_counter(), b""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"})
        os.execv(sys.executable, [*LORESMITH, "tui", "--project", str(project)])
    while text not in seen and time.perf_counter() - started < 30:
        seen += os.read(terminal, 65_536)
    seconds = time.perf_counter() - started
    os.kill(child, signal.SIGKILL)
    os.close(terminal)
    os.waitpid(child, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# ------------------------------------------------------------------------------------------------ key to paint


async def rooms(project: Path, size: tuple[int, int], given: argparse.Namespace, checks: Checks) -> None:
    """Enter the rooms and press their keys."""
    app = Timed(Session(project), Sweeper())
    async with app.run_test(size=size) as pilot:
        await pilot.pause(1.0)
        for name, place in ((name, place) for name, place in ROOMS.items() if name in (given.rooms or ROOMS)):
            app.switch_mode("home" if name != "home" else "doctor")
            await settled(app)
            app.screen.set_focus(None)
            found = [await painted_after(pilot, place.key)]
            await settled(app)
            for line in app.screen.query("Input, TextArea"):
                # A cursor that blinks paints, though no key was pressed.
                line.cursor_blink = False
            before = BEFORE.get(name, [])
            found += [await painted_after(pilot, key) for key in before]
            await settled(app)
            again = KEYS.get(name, ["down", "up", "tab"]) * given.times
            found += [await painted_after(pilot, key) for key in again]
            seconds = sorted(one for one in found if one is not None)
            slowest = max(zip(found, [place.key, *before, *again], strict=True), key=lambda each: each[0] or 0)[1]
            at = f"{place.title} at {size[0]} × {size[1]}"
            if seconds:
                p95 = seconds[min(len(seconds) - 1, round(0.95 * len(seconds)))]
                print(f"{at}: {len(seconds)} of {len(found)} keys painted", end=", ")
                print(f"median {shown(statistics.median(seconds))}, longest {shown(seconds[-1])} ({slowest})", end="; ")
                print(f"entered in {shown(found[0])}")
                checks.at_most(f"seconds from key to paint, p95, {at}", p95, KEY_TO_PAINT)


async def painted_after(pilot: Pilot[Any], key: str) -> float | None:
    """Press a key as the terminal does, and return the seconds until the first paint; None if it paints nothing."""
    app: Timed = pilot.app
    app.answered, started = 0.0, time.perf_counter()
    app._driver.send_message(events.Key(key, key if len(key) == 1 else None))  # type: ignore[union-attr]
    while not app.answered and time.perf_counter() - started < 1.5 * KEY_TO_PAINT:
        await asyncio.sleep(0.001)
    # Asking whether a paint comes at all costs time itself, and so comes late.
    await handled(pilot)
    return app.answered - started if app.answered else None


async def handled(pilot: Pilot[Any]) -> None:
    """Wait until nothing waits in a queue of the app any more, and then for the paint that may follow."""
    await pilot.pause()
    await asyncio.sleep(QUIET)


async def settled(app: Timed) -> None:
    """Wait until what a room reads is there, and nothing was painted for a while."""
    begun = time.perf_counter()
    while time.perf_counter() < begun + 20 and (
        time.perf_counter() - max(begun, app.painted) < 0.6 or any(worker.is_running for worker in app.workers)
    ):
        await asyncio.sleep(0.05)


def shown(seconds: float | None) -> str:
    """Return a duration, or that there was none."""
    return "no time" if seconds is None else f"{seconds * 1000:.0f} ms"


# ------------------------------------------------------------------------------------------------ a training meanwhile


@contextmanager
def training(project: Path) -> Iterator[None]:
    """Train meanwhile, in a process that is started as the app starts it."""
    edit_recipe(project, {"training.0.epochs": 100, "training.0.patience": 1000})
    jobs = Jobs(Project.open(project))
    before = set(project.glob(".loresmith/runs/*/events.jsonl"))
    jobs.start("train")
    while jobs.running and not any(
        '"event": "step"' in path.read_text(encoding="utf-8")
        for path in set(project.glob(".loresmith/runs/*/events.jsonl")) - before
    ):
        time.sleep(0.2)
    try:
        yield
        print(f"training ran all the time: {'yes' if jobs.running else 'no'}")
    finally:
        jobs.stop()
        while jobs.running:
            time.sleep(0.2)


@contextmanager
def nothing() -> Iterator[None]:
    """Let nothing run meanwhile."""
    yield


if __name__ == "__main__":
    sys.exit(main())
