"""Writes the rows of preferences into the project, and says how the recipe takes them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loresmith.errors import UsageError
from loresmith.files import read_jsonl, write_jsonl, write_text
from loresmith.labelling.rows import WRITER, Row, pair_rows, thumb_rows
from loresmith.project import Project
from loresmith.recipe.edit import with_item
from loresmith.recipe.models import Recipe

PAIRS = Path("data/labelled.jsonl")
"""Where pairs go, seen from the project."""
LIKED = "liked.jsonl"
"""Name of the file beside it for single judged replies: of a file with both, `kto` would leave the pairs out."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of preferences.

    Args:
        path: Seen from the project.
        rows: How many rows it has.
    """

    path: str
    rows: int

    @property
    def source(self) -> dict[str, str]:
        """The source by which a recipe takes it in."""
        return {"kind": "jsonl", "path": self.path}

    @property
    def line(self) -> str:
        """The same as a line below `data.preferences`."""
        return f"- {{kind: jsonl, path: {self.path}}}"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: pairs, and single judged replies."""

    pairs: Written
    thumbs: Written

    @property
    def files(self) -> list[Written]:
        """The files that have rows."""
        return [each for each in (self.pairs, self.thumbs) if each.rows]

    def to_json(self) -> dict[str, Any]:
        """Return the object that `label --export FILE --json` prints."""
        return asdict(self)


def export(project: Project, path: Path = PAIRS) -> Exported:
    """Write what was judged: pairs into a file, judged replies of chat into `liked.jsonl` beside it.

    Args:
        project: The project.
        path: The file of the pairs, relative to the project.

    Raises:
        UsageError: If there is nothing to write, or a file holds rows that are not Loresmith's own.
        JournalError: If the journal cannot be used.
    """
    path = path.expanduser()
    rows = {path: pair_rows(project), path.with_name(LIKED): thumb_rows(project)}
    if len(rows) == 1:
        raise UsageError(f'"{LIKED}" is the name of the file for single judged replies', "Give the pairs another one.")
    if not any(rows.values()):
        raise UsageError(
            "nothing is judged yet that prefers one reply to another",
            "Rank some with `loresmith label`, or give thumbs and corrections in the app's chat.",
        )
    for file in rows:
        _require_own(project.root / file, str(file))
    for file, found in rows.items():
        _write(project.root / file, found)
    pairs, liked = (Written(file.as_posix(), len(found)) for file, found in rows.items())
    return Exported(pairs, liked)


def taken_in(project: Project, recipe: Recipe, written: Written) -> bool:
    """Return whether a recipe takes a file in already."""
    wanted = (project.root / written.path).resolve()
    named = (source.options.get("path") for source in recipe.data.preferences)
    return any(isinstance(name, str) and (project.root / Path(name).expanduser()).resolve() == wanted for name in named)


def take_in(project: Project, written: Written) -> None:
    """Write a file into the recipe's `data.preferences`; comments and order stay.

    Raises:
        RecipeError: If the recipe's text cannot be changed there.
    """
    text = project.recipe.read_text(encoding="utf-8")
    write_text(project.recipe, with_item(text, ("data", "preferences"), written.source))


def _require_own(path: Path, shown: str) -> None:
    """Refuse to write over rows that a person wrote."""
    if not path.exists():
        return
    try:
        own = all(isinstance(row, dict) and WRITER in row for row in read_jsonl(path))
    except (OSError, ValueError):
        own = False
    if not own:
        raise UsageError(f'"{shown}" holds what `loresmith label` did not write', "Name another file.")


def _write(path: Path, rows: Sequence[Row]) -> None:
    # A file that is there may stand in the recipe: emptied, it is told of; gone stale, it would be learnt.
    if rows or path.exists():
        write_jsonl(path, rows)
