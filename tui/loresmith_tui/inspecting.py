"""Looks into a project's data: what was read, what is wrong with it, and the file at a problem. Knows no screen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loresmith.building.previewing import Preview, preview
from loresmith.data.checking import DataFound, check_data, strata
from loresmith.data.freezing import freeze_split
from loresmith.data.kept import SIDES
from loresmith.data.split import FrozenSplit
from loresmith.errors import Problem
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from loresmith.values import Example
from loresmith_tui.session import Session
from loresmith_tui.talking import Told

AROUND = 20
"""Lines of a file that are shown before and after the one that is looked for."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some lines of a file, and the span of one of them, in characters."""

    title: str
    text: str
    start: int
    end: int


class Inspection:
    """Reads the data; what did not change on disk is not read again.

    Args:
        session: The project and its plugins.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: DataFound | None = None
        self._of: object = None

    def look(self, *, anew: bool = False) -> DataFound:
        """Return what is there; raises RecipeError if the recipe is wrong.

        Args:
            anew: Read it even though nothing seems to have changed: a source may read what the app cannot see.
        """
        state = (self._session.here, self._state(self._session.here, self._session.recipe()))
        if anew or self._found is None or self._of != state:
            self._found, self._of = check_data(self._session.here, self._session.host), state
        return self._found

    def excerpt(self, file: str, line: int) -> Excerpt:
        """Return a file around a line; raises OSError if it cannot be read."""
        path = Path(file).expanduser()
        inside = self._session.here.root / path
        # What sources read is named as seen from the project, the recipe as seen from where the app was opened.
        return excerpt(inside if inside.exists() else path, file, line)

    def preview(self, stage: int, first: int, told: Told) -> Preview:
        """Render examples as a stage reads them; raises as `preview` of the core."""
        return preview(self._session.here, self._session.host, told, stage=stage, first=first)

    def freeze(self, *, resplit: bool) -> FrozenSplit:
        """Freeze the split; raises as `freeze_split`."""
        split, _ = freeze_split(self._session.here, self._session.host, lambda _: None, resplit=resplit)
        return split

    @staticmethod
    def _state(project: Project, recipe: Recipe) -> list[float]:
        data = recipe.data
        named = [source.options.get("path") for source in (*data.examples, *data.preferences)]
        paths = [project.root / Path(path).expanduser() for path in named if isinstance(path, str)]
        return [_changed(path) for path in (project.recipe, project.split, *paths)]


def excerpt(path: Path, shown: str, line: int) -> Excerpt:
    """Return the lines of a file around one of them.

    Args:
        path: The file.
        shown: The file as the user names it.
        line: The line, from 1; 0 stands for the file as a whole.
    """
    lines = path.read_text(encoding="utf-8-sig", errors="replace").split("\n")
    first = max(0, line - 1 - AROUND)
    some = lines[first : max(line, 1) + AROUND]
    if not line:
        return Excerpt(shown, "\n".join(some), 0, 0)
    start = sum(len(each) + 1 for each in some[: line - 1 - first])
    end = start + len(some[line - 1 - first]) if line - 1 - first < len(some) else start
    return Excerpt(f"{shown}, line {line} of {len(lines)}", "\n".join(some), start, end)


def place_of(example: Example) -> tuple[str, int]:
    """Return file and line of an example; an empty name where nobody knows."""
    file, _, line = example.place.rpartition(":")
    return (file, int(line)) if line.isdecimal() else (example.place, 0)


def holds(example: Example, words: list[str]) -> bool:
    """Return whether all words, folded, are somewhere in an example."""
    text = " ".join([*(message["content"] for message in example.messages), *example.grounding]).casefold()
    return all(word in text for word in words)


def split_lines(split: FrozenSplit, *, frozen: bool) -> list[str]:
    """Return the counts of a split by side and stratum, and what is to be known of it."""
    counts = {side: strata(getattr(split, side)) for side in SIDES}
    state = "frozen" if frozen else "as it would be"
    head = f"{'split':14}{''.join(f'{side:>8}' for side in SIDES)}   {state}, in {split.groups} groups"
    rows = [
        f"{name:14}{''.join(f'{counts[side][name]:8}' for side in SIDES)}" for name in ("answerable", "unanswerable")
    ]
    return [head, *rows, *split.remarks]


def where(problem: Problem) -> str:
    """Return the place of a problem: file, line and key, as far as they are known."""
    file = Path(problem.file).name if Path(problem.file).is_absolute() else problem.file
    place = f"{file}:{problem.line}" if problem.line else file
    return f"{place} {problem.key}".strip() or "-"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
