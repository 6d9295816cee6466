"""The recipe while it is edited: read, checked, estimated, kept, written. Knows no screen."""

from __future__ import annotations

import difflib
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loresmith.cli.estimate import estimate_lines, estimate_value
from loresmith.errors import LoresmithError, ModelError, Problem, RecipeError
from loresmith.estimate.bases import Base, find_base
from loresmith.estimate.devices import here
from loresmith.estimate.stages import Wishes, of_project
from loresmith.files import file_hash, read_json, write_json, write_text
from loresmith.project import Project
from loresmith.recipe.form import Row, form_of
from loresmith.recipe.load import Checked, check_recipe, shown_path
from loresmith.recipe.models import Recipe
from loresmith_tui.session import Session


class ChangedOnDisk(LoresmithError):
    """The recipe's file is not what it was when the draft was begun."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to say about a text: what is wrong with it, and the form of it, if it is YAML."""

    text: str
    checked: Checked
    rows: list[Row] | None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong."""
        return self.checked.problems


class Draft:
    """The recipe of a project as it is edited; edits that are not saved are kept beside it until they are.

    Args:
        session: The project and its plugins.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.project: Project = session.here
        self.saved = ""
        self.latest = ""
        self._of = ""
        self._crlf = self.begun = False
        self._guard = threading.Lock()
        self._bases: dict[str, Base | ModelError] = {}
        self._estimated: tuple[object, list[str]] = (None, [])

    @property
    def unsaved(self) -> bool:
        """Whether the latest text is not the saved one."""
        return self.latest != self.saved

    @property
    def changed_on_disk(self) -> bool:
        """Whether somebody else has written the file since the draft was begun."""
        return _hash(self.project.recipe) != self._of

    def read(self) -> str:
        """Return the text to go on with: edits kept from an earlier sitting, else what is on disk.

        Raises:
            RecipeError: If the file cannot be read as text.
        """
        self.latest = self.take()
        kept = self._kept()
        if kept and kept["text"] != self.saved:
            self.latest, self._of = kept["text"], kept["of"]
        self.begun = True
        return self.latest

    def take(self) -> str:
        """Return what is on disk, on which further edits are then based; raises as `read`."""
        raw = self.project.recipe.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            problem = Problem("this is not UTF-8 text", shown_path(self.project.recipe), hint="Save the file as UTF-8.")
            raise RecipeError("the recipe cannot be edited here", [problem]) from error
        self._of, self._crlf = hashlib.sha256(raw).hexdigest(), "\r\n" in text
        self.saved = "\n".join(text.splitlines()) + ("\n" if text.endswith(("\n", "\r")) else "")
        return self.saved

    def look(self, text: str) -> Look:
        """Check a text as `recipes check` does, make its form, and keep it if it is not saved."""
        registry = self._session.host.registry
        checked = check_recipe(text.encode("utf-8", "replace"), self.project.recipe, registry)
        rows = form_of(checked.tree.value, registry) if checked.tree.value is not None else None
        self.keep()
        return Look(text, checked, rows)

    def save(self, text: str, *, anyway: bool = False) -> None:
        """Write the text to the recipe's file.

        Args:
            text: The text.
            anyway: Even if somebody else has written the file meanwhile.

        Raises:
            ChangedOnDisk: If somebody has.
        """
        if self.changed_on_disk and not anyway:
            raise ChangedOnDisk(f"{self.project.recipe.name} was changed on disk since these edits were begun")
        write_text(self.project.recipe, text.replace("\n", "\r\n") if self._crlf else text)
        self._of, self.saved = _hash(self.project.recipe), text
        self.keep()

    def difference(self, text: str) -> str:
        """Return what a text changes of the file on disk, line by line; empty if nothing."""
        before = self.project.recipe.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        return "\n".join(difflib.unified_diff(before, text.splitlines(), "on disk", "here", lineterm=""))

    def estimate(self, recipe: Recipe) -> list[str]:
        """Return what training takes, in a line a stage; nothing is computed anew that did not change."""
        asked = (recipe.base, recipe.training, recipe.instructions, recipe.data, recipe.knowledge.chunker)
        if self._estimated[0] != asked:
            self._estimated = (asked, self._lines(recipe))
        return self._estimated[1]

    def _lines(self, recipe: Recipe) -> list[str]:
        try:
            base = self._base(recipe.base)
            stages = of_project(self.project, recipe, self._session.host, base, Wishes())
        except LoresmithError as error:
            return [f"no estimate: {error.message}"]
        return estimate_lines(estimate_value(base, stages, here(), ()))

    def _base(self, name: str) -> Base:
        """Return a base's shapes; the hub is asked once in a sitting."""
        if name not in self._bases:
            try:
                self._bases[name] = find_base(name, self._session.store())
            except ModelError as error:
                self._bases[name] = error
        found = self._bases[name]
        if isinstance(found, ModelError):
            raise found
        return found

    @property
    def _draft(self) -> Path:
        return self.project.state / "draft.json"

    def _kept(self) -> dict[str, Any] | None:
        try:
            kept = read_json(self._draft)
            return {"text": str(kept["text"]), "of": str(kept["of"])}
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def keep(self) -> None:
        """Keep edits that are not saved, so that neither a closed app nor a lost line loses them."""
        with self._guard:
            if not self.begun:
                return
            if self.unsaved:
                write_json(self._draft, {"text": self.latest, "of": self._of})
            else:
                self._draft.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return ""
