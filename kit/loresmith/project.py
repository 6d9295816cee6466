"""A project: a folder with `assistant.yaml`, its documents and examples, and `.loresmith/` for what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from loresmith.errors import UsageError

RECIPE_FILE = "assistant.yaml"


@dataclass(frozen=True, slots=True)
class Project:
    """Where things are in a project. Making one touches nothing on disk."""

    root: Path

    @classmethod
    def open(cls, folder: Path) -> Project:
        """Return the project in `folder`.

        Raises:
            UsageError: If there is no recipe in it.
        """
        root = folder.expanduser().resolve()
        if not (root / RECIPE_FILE).is_file():
            raise UsageError(
                f'no {RECIPE_FILE} in "{root}"',
                "Start a project with `loresmith new DIR --recipe NAME`, or name one with --project DIR.",
            )
        return cls(root)

    @property
    def recipe(self) -> Path:
        """The recipe file."""
        return self.root / RECIPE_FILE

    @property
    def state(self) -> Path:
        """The folder of all that Loresmith keeps."""
        return self.root / ".loresmith"

    @property
    def index(self) -> Path:
        """The knowledge index."""
        return self.state / "index"

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return self.state / "runs"

    @property
    def journal(self) -> Path:
        """What people said and judged."""
        return self.state / "journal.db"

    @property
    def split(self) -> Path:
        """The frozen split."""
        return self.state / "split.json"

    @property
    def artefact(self) -> Path:
        """What is promoted now."""
        return self.state / "artefact.json"

    @property
    def lock(self) -> Path:
        """The lock of writers."""
        return self.state / "lock"
