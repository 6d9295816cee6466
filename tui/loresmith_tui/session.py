"""What the app may ask of the core. Knows no screen, so it is tested without one; may be called from any thread.

What is asked for is imported when it is: the first screen stands before plugins, recipes and runs are known.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith.errors import LoresmithError
from loresmith.lock import ProjectLock
from loresmith.project import RECIPE_FILE, Project
from loresmith.recent import remember
from loresmith.runs.ids import run_ids
from loresmith_tui.jobs import Jobs

if TYPE_CHECKING:
    from loresmith.artefact import Artefact
    from loresmith.host import PluginHost, PluginStatus
    from loresmith.modelstore.store import ModelStore
    from loresmith.recipe.models import Recipe
    from loresmith.runs.run import Run
    from loresmith.specs import RecipeSpec
    from loresmith.values import Document


class Session:
    """One sitting: a folder, its project if it holds one, and the plugins.

    Args:
        folder: Where the app was opened.
        disabled: Plugins to leave out.
    """

    def __init__(self, folder: Path, disabled: Iterable[str] = ()) -> None:
        self.folder = folder.expanduser().resolve()
        self.disabled = set(disabled)
        self.project: Project | None = None
        self._guard, self._loading = threading.Lock(), threading.Lock()
        self._host: PluginHost | None = None
        self._rows: dict[str, tuple[tuple[float, ...], dict[str, Any]]] = {}
        self._documents: dict[str, Document] = {}
        self._jobs: dict[Path, Jobs] = {}
        if (self.folder / RECIPE_FILE).is_file():
            self.open(self.folder)

    # --------------------------------------------------------------------------------------------- projects, recipes

    def open(self, folder: Path) -> Project:
        """Go on with the project in a folder; raises UsageError if there is none."""
        self.project = Project.open(folder)
        remember(self.project)
        self._rows, self._documents = {}, {}
        return self.project

    @property
    def here(self) -> Project:
        """The project.

        Raises:
            UsageError: If there is none here.
        """
        return self.project or Project.open(self.folder)

    def recipes(self) -> list[RecipeSpec]:
        """Return the recipes a project can start from."""
        from loresmith.specs import RecipeSpec

        return list(self.host.registry.of(RecipeSpec))

    def start(self, name: str, folder: Path | None = None) -> Project:
        """Start a project from a shipped recipe, with its sample data, and go on with it.

        Args:
            name: The recipe.
            folder: Where to; a folder named after the recipe, beside the present project, if not given.
        """
        from loresmith.specs import RecipeSpec
        from loresmith.starting import free_folder, start_project

        spec = self.host.registry.get(RecipeSpec, name)
        parent = self.project.root.parent if self.project else self.folder
        return self.open(start_project(spec, folder or free_folder(parent, name)).root)

    def recipe(self) -> Recipe:
        """Return the project's recipe; raises RecipeError with all its problems."""
        from loresmith.recipe.load import load_recipe

        return load_recipe(self.here.recipe, self.host.registry)

    def documents(self) -> dict[str, Document]:
        """Return the documents by id; they are read once."""
        from loresmith.knowledge.bases import read_all

        with self._guard:
            if not self._documents:
                found = read_all(self.recipe().knowledge, self.host.registry, self.here.root)
                self._documents = {document.id: document for document in found}
            return self._documents

    def store(self) -> ModelStore:
        """Return the models of this machine."""
        from loresmith.modelstore.store import ModelStore

        return ModelStore.for_host(self.host, self.here.root)

    @property
    def jobs(self) -> Jobs:
        """The long work of the project."""
        project = self.here
        return self._jobs.setdefault(project.root, Jobs(project, self.disabled))

    # ------------------------------------------------------------------------------------------------------- plugins

    @property
    def host(self) -> PluginHost:
        """The plugins, less those that are switched off; loaded when they are first asked for."""
        from loresmith.host import PluginHost

        with self._loading:
            if self._host is None:
                self._host = PluginHost.from_environment(self.disabled)
            return self._host

    def plugins(self) -> Sequence[PluginStatus]:
        """Return what became of every plugin."""
        return self.host.statuses

    def switch_plugin(self, name: str) -> PluginStatus:
        """Leave a plugin out for this sitting, or take it in again, and load all anew."""
        self.disabled ^= {name}
        self._host = None
        return next(status for status in self.host.statuses if status.name == name)

    def doctor(self) -> dict[str, Any]:
        """Return what this machine and this installation can do."""
        from loresmith.doctor import examine

        return examine(self.host, self.project.root if self.project else self.folder)

    # ---------------------------------------------------------------------------------------------------------- runs

    def runs(self, most: int | None = None) -> list[dict[str, Any]]:
        """Return the runs as `runs ls` lists them, latest first; those that did not change are not read again.

        Args:
            most: How many, the latest of them; all if not given.
        """
        project = self.here
        artefact = self.artefact()
        ids = run_ids(project.runs)[-most if most else None :]
        rows = [row for run_id in ids if (row := self._row(project, run_id, artefact))]
        return sorted(rows, key=lambda row: (row["started"], row["run"]), reverse=True)

    def run(self, run_id: str) -> Run:
        """Open a run by its id."""
        from loresmith.runs.run import Run

        return Run.open(self.here, run_id)

    def latest(self, *, measured: bool = False) -> Run | None:
        """Return the latest run, or the latest that has a ladder."""
        project, artefact = self.here, self.artefact()
        rows = (self._row(project, run_id, artefact) for run_id in reversed(run_ids(project.runs)))
        return next((self.run(row["run"]) for row in rows if row and (row["ship"] or not measured)), None)

    def artefact(self) -> Artefact | None:
        """Return what is promoted, or None; a damaged one counts as none, and a promotion mends it."""
        from loresmith.artefact import current

        try:
            return current(self.here)
        except LoresmithError:
            return None

    def promote(self, run_id: str, rung: str = "", *, force: bool = False) -> Artefact:
        """Make a rung of a run the project's assistant; raises as `promote` of the core."""
        from loresmith.artefact import promote

        with ProjectLock(self.here, "runs promote", lambda _: None):
            return promote(self.here, self.run(run_id), rung, force=force)

    def previous(self) -> Artefact | None:
        """Return what one would go back to, or None; raises LoresmithError if an artefact is damaged."""
        from loresmith.artefact import previous

        return previous(self.here)

    def roll_back(self, *, force: bool = False) -> Artefact:
        """Make what was promoted before the project's assistant again; raises as `roll_back` of the core."""
        from loresmith.artefact import roll_back

        with ProjectLock(self.here, "runs promote", lambda _: None):
            return roll_back(self.here, force=force)

    def difference(self, one: str, other: str) -> dict[str, Any]:
        """Return what two runs differ in."""
        from loresmith.runs.difference import difference

        return difference(self.run(one), self.run(other))

    def _row(self, project: Project, run_id: str, artefact: Artefact | None) -> dict[str, Any] | None:
        from loresmith.runs.listing import listed
        from loresmith.runs.run import Run

        folder = project.runs / run_id
        version = artefact.version if artefact else 0
        changed = (*(_changed(folder / name) for name in ("manifest.json", "report.json")), float(version))
        known = self._rows.get(run_id)
        # A run that is under way may end without a word, so its state is looked at every time.
        if known and known[0] == changed and known[1]["state"] != "running":
            return known[1]
        try:
            row = listed(Run.open(project, run_id), artefact)
        except LoresmithError:
            return None
        if project == self.project:  # another one may have been opened meanwhile
            self._rows[run_id] = (changed, row)
        return row


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
