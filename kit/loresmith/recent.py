"""The projects that were opened lately, kept in the user's state folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from loresmith.files import read_json, write_json
from loresmith.project import Project

MOST = 20
"""Projects that are remembered."""


def recent_projects() -> list[Project]:
    """Return the projects opened lately that are still there, the latest first."""
    known = (Project(Path(folder)) for folder in _remembered())
    return [project for project in known if project.recipe.is_file()]


def remember(project: Project) -> None:
    """Put a project first among those opened lately."""
    folder = str(project.root)
    others = [each for each in _remembered() if each != folder]
    # It is a convenience: where it cannot be kept, the work goes on without.
    with suppress(OSError):
        write_json(_file(), {"projects": [folder, *others][:MOST]})


def _remembered() -> list[str]:
    try:
        return [each for each in read_json(_file())["projects"] if isinstance(each, str)]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def _file() -> Path:
    from platformdirs import user_state_path

    return user_state_path("loresmith") / "projects.json"
