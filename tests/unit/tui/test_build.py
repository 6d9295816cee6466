"""A build is a process of its own: the app attaches to it, stops it, and goes on without it."""

from __future__ import annotations

import os
import pty
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app_driver import PATIENCE, opened, said, text_of, until, until_shown
from command_line import Command, CommandLine
from loresmith.errors import LockHeld
from loresmith.files import read_json
from loresmith.process import Process
from loresmith.project import Project
from loresmith_tui.jobs import Jobs
from small_project import edit_recipe

LONG = {"training.0.epochs": 60, "training.0.patience": 100}


def steps_made(project: Path) -> int:
    """Return how many steps the events of a project's runs tell of."""
    return sum(path.read_text().count('"event": "step"') for path in project.glob(".loresmith/runs/*/events.jsonl"))


@pytest.fixture
def building(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """A build that somebody started in another terminal, and that has made some steps."""
    edit_recipe(fresh, LONG)
    command = CommandLine(tmp_path_factory.mktemp("logs")).start("build", "--project", fresh)
    command.until(
        lambda: any('"step": 3' in p.read_text() for p in fresh.glob(".loresmith/runs/*/events.jsonl")),
        "the third step",
    )
    yield command
    if command.running:
        command.signal(signal.SIGKILL)
        command.wait()


async def test_a_running_build_is_attached_to_stopped_and_can_be_gone_on_with(fresh: Path, building: Command) -> None:
    async with opened(fresh) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "`loresmith build` (process", "step ", " left", "loss", "mask:", "▸ train sft")
        await pilot.press("b")
        await until(pilot, lambda: "is at work in this project" in said(pilot), "the refusal of a second writer")
        await pilot.press("p")
        await until_shown(pilot, "is paused", "p lets it go on", "memory ")
        assert Process.of(building.pid).paused
        before = steps_made(fresh)
        await pilot.press("p")
        await until_shown(pilot, "is at work")
        building.until(lambda: steps_made(fresh) > before, "a step after the pause")
        await pilot.press("p")
        await until_shown(pilot, "is paused")
        await pilot.press("s")
        await until_shown(pilot, "interrupted", "r goes on with it")
    assert building.wait().code == 130
    [progress] = fresh.rglob("progress.json")
    assert read_json(progress)["step"] >= 3


async def test_a_closed_app_leaves_the_build_running_and_one_that_is_killed_is_told_of(
    fresh: Path, building: Command
) -> None:
    async with opened(fresh) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "is at work")
    assert building.running
    async with opened(fresh) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "is at work")
        building.signal(signal.SIGKILL)
        building.wait()
        await until_shown(pilot, "is gone: it was killed", "Go on with the run from its last checkpoint?")
        await pilot.press("n")
        await until_shown(pilot, "interrupted: its process is gone", "r goes on with it")
        await pilot.press("b")
        await until_shown(pilot, "Start another one all the same?")


async def test_the_mask_is_shown_with_what_is_trained_in_braces(project: Path) -> None:
    async with opened(project, (120, 40)) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "mask:")
        await pilot.press("v")
        await until_shown(pilot, "{", "}", "example 1", "<|im_start|>")
        await pilot.press("escape")
        await until_shown(pilot, " loss ", " learning_rate ", " memory, GB ", "memory at most ")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: " learning_rate " not in text_of(pilot))
        for figure in ("learning_rate", "memory, GB", "loss"):
            await pilot.press("m")
            await until_shown(pilot, f" {figure} ")
        await pilot.press("g")
        await until_shown(pilot, "stage 0, step ")


async def test_what_a_command_said_is_kept_and_shown_when_it_fails(own: Path) -> None:
    (own / "assistant.yaml").write_text("name: [")
    async with opened(own, (120, 30)) as pilot:
        jobs = pilot.app.session.jobs
        jobs.start("recipes", "check")
        await pilot.press("5")
        await until(pilot, lambda: jobs.code is not None)
        assert jobs.code == 2
        await pilot.press("l")
        await until_shown(pilot, "the recipe is wrong")


def test_one_command_at_a_time_writes_in_a_project(fresh: Path, building: Command) -> None:
    jobs = Jobs(Project.open(fresh))
    holder = jobs.at_work()
    assert holder is not None
    assert (holder.command, holder.process.pid) == ("build", building.pid)
    with pytest.raises(LockHeld, match="is at work in this project"):
        jobs.start("index")


def test_progress_is_taken_from_the_last_line_of_it(fresh: Path) -> None:
    jobs = Jobs(Project.open(fresh))
    assert (jobs.progress(), jobs.said(), jobs.code) == (None, [], None)
    jobs.log.parent.mkdir()
    jobs.log.write_text("checked: 8 documents\nembedding: 10 %\nasking rag (1): 45 %, 2 min 5 s left\nsplit: frozen\n")
    assert jobs.progress() == ("asking rag (1)", 45, ", 2 min 5 s left")
    assert jobs.said() == ["checked: 8 documents", "split: frozen"]


async def test_the_screen_stays_readable_where_nothing_is_built(fresh: Path) -> None:
    async with opened(fresh) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "nothing is built yet. b builds")
        await pilot.press("v")
        await until(pilot, lambda: "no receipt yet" in said(pilot))
        assert "Traceback" not in text_of(pilot)


async def test_an_app_that_is_killed_leaves_its_build_which_asks_the_next_app_before_its_first_step(
    fresh: Path,
) -> None:
    """The whole of it in processes of their own: the app in a terminal, and the builds that apps start."""
    edit_recipe(fresh, LONG)
    kill_an_app_that_builds(fresh)
    async with opened(fresh, (120, 40)) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "is at work")
        await until_shown(pilot, "before its first step", "v shows it, r goes on")
        assert steps_made(fresh) == 0
        await pilot.press("v")
        await until_shown(pilot, "example 1", "Train on this?")
        await pilot.press("y")
        await until(pilot, lambda: steps_made(fresh) > 1, "the second step")
        await until_shown(pilot, "is at work", "step ")
        await pilot.press("s")
        await until_shown(pilot, "interrupted", "r goes on with it from where it stopped")
        assert pilot.app.session.jobs.code == 130


def kill_an_app_that_builds(project: Path) -> None:
    """Open the app in a terminal, let it start a build that asks first, and kill it together with its terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "loresmith", "tui", "--project", str(project)])
    reader = threading.Thread(target=drain, args=(terminal,), daemon=True)
    reader.start()
    jobs = Jobs(Project.open(project))
    wait_for(lambda: b"harbour-desk" in SEEN.get(terminal, b""))
    os.write(terminal, b"5c")
    wait_for(jobs.at_work)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(terminal)
    assert jobs.at_work()


SEEN: dict[int, bytes] = {}
"""What came from terminals."""


def drain(terminal: int) -> None:
    """Read what an app writes to its terminal, until it is gone."""
    with suppress(OSError):
        while data := os.read(terminal, 65_536):
            SEEN[terminal] = SEEN.get(terminal, b"") + data


def wait_for(seen: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)
