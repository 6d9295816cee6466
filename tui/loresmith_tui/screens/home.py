"""The first room: the project, its latest runs, other projects, the recipes one can start from, this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from loresmith.cli.doctor import machine_text
from loresmith.moments import shown as moment
from loresmith.project import Project
from loresmith.recent import recent_projects
from loresmith.runs.surroundings import hardware
from loresmith_tui.screens.room import Room, error_text
from loresmith_tui.shown import plain
from loresmith_tui.widgets.table import Table, styled

if TYPE_CHECKING:
    from loresmith.recipe.models import Recipe
    from loresmith.specs import RecipeSpec

HEADS = ("run", "state", "verdict", "score", "promoted", "started")
HIGH = 30
"""Lines from which on more than a few runs and projects are shown."""
RECENT = 5
"""Runs that are shown here; the room of runs has all."""


class HomeScreen(Room):
    """Where one starts."""

    ROOM = "home"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New project", tooltip="Start a project from the chosen recipe, with its sample data"),
        Binding("N", "new_at", "New at…", show=False, tooltip="The same, in a folder of your choice"),
        Binding("o", "open", "Open project", tooltip="Go on with the project in another folder"),
        Binding("enter", "choose", "Show", show=False, tooltip="Show the run, open the project, or start the recipe"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._summaries: list[str] = []

    def furnish(self) -> ComposeResult:
        """Yield project, runs, other projects, recipes and machine."""
        yield Static("", id="project", classes="text", markup=False)
        with Vertical(id="runs-block"):
            yield Static("Recent runs", classes="title")
            yield Table(HEADS, id="recent")
            yield Static("", id="no-runs", classes="hint", markup=False)
        with Vertical(id="projects-block"):
            yield Static("Projects opened lately", classes="title")
            yield Table(("project", "folder"), id="projects")
        yield Static("Start from a recipe", classes="title")
        yield Table(("recipe", "what for"), id="recipes")
        yield Static("Loading the plugins, which bring the recipes…", id="what-for", classes="text", markup=False)
        yield Static("", id="machine", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Show at once what costs nothing."""
        self.query_one("#machine", Static).update(machine_text(hardware()))
        self.query_one("#recipes").focus()
        self.call_after_refresh(lambda: self.beside(self.session.recipes, self._show_recipes, group="recipes"))

    def _show_recipes(self, specs: Sequence[RecipeSpec]) -> None:
        self._summaries = [spec.summary for spec in specs]
        self.query_one("#recipes", Table).fill((spec.name, (spec.name, spec.summary)) for spec in specs)

    def on_resize(self) -> None:
        """Show fewer runs and projects where there are few lines."""
        self.set_class(self.size.height < HIGH, "-low")

    def read(self) -> None:
        """Read project, runs and other projects."""
        project = self.session.project
        # What is imported to read them would hold up the first screen.
        self.call_after_refresh(self._read_beside, project)
        self.query_one("#runs-block").display = project is not None
        if project is None:
            text = (
                f"No project in {self.session.folder}. Press n to start one from the recipe below, o to open another."
            )
            self.query_one("#project", Static).update(plain(text))
            return
        self.query_one("#project", Static).update(plain(f"{project.root.name}   {project.root}"))

    def _read_beside(self, project: Project | None) -> None:
        self.beside(recent_projects, self._show_projects, group="projects")
        if project:
            self.beside(lambda: self.session.runs(RECENT), self._show_runs, group="runs")
            self.beside(self.session.recipe, self._show_recipe, self._show_problem, group="recipe")

    def _show_recipe(self, recipe: Recipe) -> None:
        artefact = self.session.artefact()
        promoted = f"promoted: {artefact.rung}, version {artefact.version}" if artefact else ""
        stages = ", ".join(stage.method for stage in recipe.training) or "no training"
        lines = [
            f"{recipe.name}   {self.session.here.root}",
            f"base {recipe.base}   {stages}   {promoted or 'nothing promoted yet: press 5 to build'}",
        ]
        self.query_one("#project", Static).update(plain("\n".join(lines)))

    def _show_problem(self, error: Exception) -> None:
        text = f"{self.session.here.root}\n{error_text(error)}"
        self.query_one("#project", Static).update(plain(text))

    def _show_runs(self, rows: list[dict[str, Any]]) -> None:
        table, empty = self.query_one("#recent", Table), self.query_one("#no-runs", Static)
        table.display, empty.display = bool(rows), not rows
        empty.update("No runs yet. Press 5 and then b to build the assistant.")
        table.fill((row["run"], run_cells(self, row)) for row in rows)
        if rows and not table.has_focus and self.focused is None:
            table.focus()

    def _show_projects(self, projects: list[Project]) -> None:
        others = [project for project in projects if project != self.session.project]
        self.query_one("#projects-block").display = bool(others)
        self.query_one("#projects", Table).fill(
            (str(project.root), (project.root.name, str(project.root))) for project in others
        )

    def action_new(self) -> None:
        """Start a project from the chosen recipe, beside the present one."""
        self._start(None)

    def action_new_at(self) -> None:
        """Ask where to."""
        name = self.query_one("#recipes", Table).chosen or ""
        place = (self.session.project.root.parent if self.session.project else self.session.folder) / name
        from loresmith_tui.screens.dialogs import Line

        self.app.push_screen(Line("Folder of the new project", str(place)), lambda folder: self._asked(folder or ""))

    def _asked(self, folder: str) -> None:
        if folder:
            self._start(Path(folder).expanduser())

    def action_choose(self) -> None:
        """Do what Enter does in the list one is in."""
        if isinstance(self.focused, Table):
            self.focused.action_select_cursor()

    def _start(self, folder: Path | None) -> None:
        name = self.query_one("#recipes", Table).chosen
        if name is None:
            return

        def started(project: Any) -> None:
            self.say(f"started {project.root}. Press 5 to build it, 2 to look at its recipe.")
            self.read()

        self.beside(lambda: self.session.start(name, folder), started, group="start")

    def action_open(self) -> None:
        """Ask for a folder with a project."""
        from loresmith_tui.screens.dialogs import Line

        self.app.push_screen(Line("Folder of the project", str(self.session.folder)), self._open)

    def _open(self, folder: str | None) -> None:
        if folder:
            self.beside(lambda: self.session.open(Path(folder)), lambda _: self.read(), group="start")

    def on_data_table_row_highlighted(self, event: Table.RowHighlighted) -> None:
        """Say the whole of what a recipe is for, of which the table shows the beginning."""
        if event.data_table.id == "recipes" and 0 <= event.cursor_row < len(self._summaries):
            self.query_one("#what-for", Static).update(plain(self._summaries[event.cursor_row]))

    def on_data_table_row_selected(self, event: Table.RowSelected) -> None:
        """Show a run, go on with a project, or start from a recipe."""
        if event.data_table.id == "recipes":
            self.action_new()
        elif event.data_table.id == "projects":
            self._open(self.query_one("#projects", Table).chosen)
        else:
            self.app.switch_mode("runs")


def run_cells(room: Room, row: dict[str, Any]) -> list[str | Text]:
    """Return the cells by which lists show a run; a verdict that is not decided has a question mark."""
    colours = {"done": "success", "running": "primary", "failed": "error", "interrupted": "warning"}
    metric = row["metric"]
    verdict = f"{row['ship']}{'' if row['decided'] else ' ?'}" if row["ship"] else "-"
    score = f"{metric['mean']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]" if metric else "-"
    state = styled(row["state"], room.colour(colours[row["state"]]))
    return [row["run"], state, verdict, score, row["promoted"] or "", moment(row["started"])]
