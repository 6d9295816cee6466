"""A build is killed at random instants: the project opens each time, and a resumed build ends as if never killed."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from command_line import CommandLine, Ended
from loresmith.files import read_json, read_jsonl
from loresmith.rungs import RUNGS

TEN = 10


@pytest.fixture
def duration(fresh: Path, command_line: CommandLine) -> float:
    """Seconds that a build takes from start to end when nobody disturbs it."""
    started = time.monotonic()
    assert command_line.run("build", "--project", fresh).code == 0
    took = time.monotonic() - started
    shutil.rmtree(fresh / ".loresmith")
    return took


def test_a_build_killed_ten_times_ends_with_the_ladder_of_one_that_was_not(
    fresh: Path, command_line: CommandLine, duration: float, built: tuple[Path, Ended]
) -> None:
    chance = random.Random(13)
    killed = 0
    while killed < TEN:
        attempt = command_line.start("build", "--resume", "--project", fresh)
        ended = attempt.kill_after(chance.uniform(0.02, 0.98) * duration)
        if ended.code == -signal.SIGKILL:
            killed += 1
            require_opens(fresh, command_line)
        else:
            # It was faster than its killer, having little left to do: the next one starts with nothing.
            assert ended.code == 0, ended.err
            shutil.rmtree(fresh / ".loresmith")
    last = command_line.run("build", "--resume", "--json", "--project", fresh)
    assert last.code == 0, last.err
    assert list(last.json["rungs"]) == list(RUNGS)
    for part in ("pairs", "verdict", "receipts", "minimum_detectable"):
        assert last.json[part] == built[1].json[part]
    run = fresh / ".loresmith" / "runs" / last.json["run"]
    for rung in RUNGS:
        assert said(run, rung) == said(built[0] / ".loresmith" / "runs" / built[1].json["run"], rung)
    assert read_json(run / "manifest.json")["state"] == "done"
    assert read_json(fresh / ".loresmith" / "artefact.json")["run"] == last.json["run"]
    assert leftovers(fresh) == []


def require_opens(project: Path, command_line: CommandLine) -> None:
    listed = command_line.run("runs", "ls", "--json", "--project", project)
    assert listed.code == 0, listed.err
    assert listed.err == ""
    for row in listed.json["runs"]:
        assert row["state"] in ("interrupted", "done")
        shown = command_line.run("runs", "show", row["run"], "--json", "--project", project)
        assert shown.code == 0, shown.err


def said(run: Path, rung: str) -> list[tuple[Any, ...]]:
    return [(row["id"], row["answer"], row["scores"]) for row in read_jsonl(run / "answers" / f"{rung}.jsonl")]


def leftovers(project: Path) -> list[str]:
    return [path.name for path in (project / ".loresmith").rglob(".*") if path.name.endswith((".tmp", ".old", ".part"))]
