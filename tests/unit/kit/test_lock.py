"""The lock, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loresmith.errors import LockHeld
from loresmith.files import read_json, write_json, write_text
from loresmith.lock import ProjectLock, holder
from loresmith.process import Process
from loresmith.project import Project

HOLD = """
import sys, time
from pathlib import Path
from loresmith.lock import ProjectLock
from loresmith.project import Project

with ProjectLock(Project(Path(sys.argv[1])), "build --resume"):
    print("held", flush=True)
    sys.stdin.read()
"""

FORK = """
import os, sys, time
from pathlib import Path
from loresmith.lock import ProjectLock
from loresmith.project import Project

with ProjectLock(Project(Path(sys.argv[1])), "build"):
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        sys.stdin.read()
        os._exit(0)
    time.sleep(60)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(project: Project) -> Iterator[Start]:
    """Start a script that holds the project, and wait until it does."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str = HOLD) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(project.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        process.first = process.stdout.readline().strip()  # type: ignore[attr-defined]
        assert process.first
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def refusal(project: Project) -> LockHeld:
    with pytest.raises(LockHeld) as caught, ProjectLock(project, "index"):
        pass
    return caught.value


def test_a_second_writer_is_told_who_writes_and_what_to_do(project: Project, start: Start) -> None:
    holder = start()
    text = str(refusal(project))
    assert "`loresmith build --resume`" in text
    assert f"process {holder.pid}" in text
    assert "UTC" in text
    assert f"kill {holder.pid}" in text
    assert refusal(project).exit_code == 1


def test_the_lock_is_free_once_its_holder_ended(project: Project, start: Start) -> None:
    start().communicate()
    notes: list[str] = []
    with ProjectLock(project, "index", notes.append):
        pass
    assert notes == []


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_the_lock_of_a_killed_process_is_taken_over_with_a_note(project: Project, start: Start) -> None:
    holder = start()
    holder.kill()
    holder.wait()
    notes: list[str] = []
    with ProjectLock(project, "index", notes.append):
        assert read_json(project.state / "lock.json")["command"] == "index"
    assert len(notes) == 1
    assert f"process {holder.pid}" in notes[0]
    assert "`loresmith build --resume`" in notes[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_outlives_a_killed_holder_does_not_keep_the_lock(project: Project, start: Start) -> None:
    holder = start(FORK)
    child = int(holder.first)  # type: ignore[attr-defined]
    holder.kill()
    holder.wait()
    os.kill(child, 0)
    with ProjectLock(project, "index", lambda _: None):
        pass


def test_a_reused_process_id_does_not_pass_for_the_holder(project: Project) -> None:
    """A note left by a process of another start time, whose id another process bears now."""
    me = Process.this().to_json()
    write_json(
        project.state / "lock.json",
        {"command": "build", "since": "2026-01-01T00:00:00Z", "process": {**me, "started": "long-ago/1"}},
    )
    notes: list[str] = []
    with ProjectLock(project, "index", notes.append):
        pass
    assert "took over" in notes[0]


def test_blocks_of_one_process_nest_and_the_outermost_releases(project: Project, start: Start) -> None:
    with ProjectLock(project, "build"):
        with ProjectLock(project, "index"):
            pass
        assert read_json(project.state / "lock.json")["command"] == "build"
        refused = subprocess.run(
            [sys.executable, "-c", HOLD, str(project.root)], capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        assert "is being written by `loresmith build`" in refused.stderr
    start()


def test_a_block_may_end_in_another_thread(project: Project, start: Start) -> None:
    lock = ProjectLock(project, "build").__enter__()
    worker = threading.Thread(target=lock.__exit__, args=(None, None, None))
    worker.start()
    worker.join()
    start()


def test_an_error_in_the_block_releases_the_lock(project: Project, start: Start) -> None:
    with pytest.raises(ZeroDivisionError), ProjectLock(project, "build"):
        raise ZeroDivisionError
    start()


def test_a_lock_that_cannot_be_signed_is_not_kept(
    project: Project, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("loresmith.lock.write_json", full)
        with pytest.raises(OSError, match="No space"):
            ProjectLock(project, "build").__enter__()
    start()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"command": "x"}', '{"command": "x", "process": 3, "since": ""}'])
def test_a_damaged_name_beside_the_lock_does_not_keep_anyone_out(project: Project, text: str) -> None:
    write_text(project.state / "lock.json", text)
    with ProjectLock(project, "build"):
        assert read_json(project.state / "lock.json")["command"] == "build"


def test_a_holder_without_a_name_still_keeps_others_out(
    project: Project, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loresmith.lock.PATIENCE", 0.1)
    start()
    (project.state / "lock.json").unlink()
    assert "did not leave its name" in str(refusal(project))


def test_a_project_whose_state_folder_is_missing_can_be_locked(tmp_path: Path) -> None:
    with ProjectLock(Project(tmp_path), "build"):
        assert (tmp_path / ".loresmith" / "lock.json").exists()
    assert not (tmp_path / ".loresmith" / "lock.json").exists()


def test_whoever_looks_on_is_told_who_writes_as_long_as_somebody_does(project: Project) -> None:
    assert holder(project) is None
    with ProjectLock(project, "build"):
        found = holder(project)
        assert found is not None
        assert (found.command, found.process) == ("build", Process.this())
    assert holder(project) is None
