"""A small project, built once; tests that change something work on copies."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from built_project import built, models, session_home, written
from command_line import CommandLine, Ended
from small_project import copied

__all__ = ["built", "models", "session_home", "written"]


@pytest.fixture
def command_line(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Commands in forked processes."""
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    return CommandLine(tmp_path_factory.mktemp("logs"))


@pytest.fixture
def fresh(written: Path, tmp_path: Path) -> Path:
    """A copy of the project with nothing done in it."""
    return copied(written, tmp_path / "desk", state=False)


@pytest.fixture
def rebuilt(built: tuple[Path, Ended], tmp_path: Path) -> Path:
    """A copy of the built project."""
    return copied(built[0], tmp_path / "desk", state=True)


@pytest.fixture
def build(command_line: CommandLine) -> Callable[..., Ended]:
    """Run `loresmith build --json` in a project."""

    def run(project: Path, *options: str) -> Ended:
        return command_line.run("build", "--json", "--project", project, *options)

    return run
