"""`manifest.json` of a run: what it is made of, how far it is, and how it ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from loresmith.errors import LoresmithError
from loresmith.files import read_json, write_json

NAME = "manifest.json"

State = Literal["running", "interrupted", "failed", "done"]


class StepRecord(BaseModel):
    """A finished step: the hash of all that went into it, what came out, when."""

    model_config = ConfigDict(extra="allow")

    key: str
    value: Any = None
    at: str


class Attempt(BaseModel):
    """One stretch of work on a run: from its start, or from a resume, until it ended.

    Args:
        versions: Only where they are others than those the run was created with.
    """

    model_config = ConfigDict(extra="allow")

    started: str
    ended: str = ""
    state: State = "running"
    versions: dict[str, str] = {}


class Manifest(BaseModel):
    """All that is known of a run beside its files.

    Args:
        name: Name of the recipe.
        metric: The metric that decides the verdict.
        process: The process that works on it, or worked on it last.
        hashes: Of recipe, base, examples, split and index, by these words.
        parent: The run whose adapter this one goes on from, or empty.
        why: Why it failed or was interrupted.
        answers: Rung to the key its finished answers belong to.
    """

    # A newer version's keys survive an older version's writing.
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    id: str
    name: str
    created: str
    state: State
    metric: str
    seed: int
    process: dict[str, Any]
    hashes: dict[str, str]
    versions: dict[str, str]
    hardware: dict[str, Any]
    plugins: list[dict[str, str]]
    parent: str = ""
    why: str = ""
    attempts: list[Attempt] = []
    steps: dict[str, StepRecord] = {}
    answers: dict[str, str] = {}

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of the run in `folder`.

        Raises:
            LoresmithError: If it is missing or not what Loresmith writes.
        """
        try:
            return cls.model_validate(read_json(folder / NAME))
        except (OSError, ValidationError, ValueError) as error:
            reason = "is missing" if isinstance(error, FileNotFoundError) else "cannot be read"
            raise LoresmithError(
                f'the run "{folder.name}" cannot be opened: its {NAME} {reason}',
                f'Loresmith writes it whole or not at all. Restore it from a backup, or remove "{folder}".',
            ) from error

    def write(self, folder: Path) -> None:
        """Write the manifest, whole or not at all."""
        write_json(folder / NAME, self.model_dump(mode="json"))
