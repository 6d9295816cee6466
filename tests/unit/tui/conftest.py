"""A project to look at, and the app on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from built_project import built, models, session_home, written
from command_line import Ended
from loresmith_tui.session import Session
from small_project import copied

__all__ = ["built", "models", "session_home", "written"]


@pytest.fixture
def project(built: tuple[Path, Ended]) -> Path:
    """The built project, not to be changed."""
    assert built[1].code == 0, built[1].err
    return built[0]


@pytest.fixture
def own(project: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return copied(project, tmp_path / "desk", state=True)


@pytest.fixture
def fresh(written: Path, tmp_path: Path) -> Path:
    """A project with nothing done in it."""
    return copied(written, tmp_path / "desk", state=False)


@pytest.fixture
def session(project: Path) -> Session:
    return Session(project)
