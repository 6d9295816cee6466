"""The room where the recipe is put together: as a form, and as the YAML beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Static, TextArea

from loresmith.errors import LoresmithError, Problem
from loresmith_tui.assembling import Look
from loresmith_tui.recipe_words import about, state_line
from loresmith_tui.screens.drafting import DraftRoom
from loresmith_tui.shown import plain
from loresmith_tui.widgets.form_side import FormSide
from loresmith_tui.widgets.recipe_form import RecipeForm
from loresmith_tui.widgets.yaml_text import YamlText

WIDE = 110
"""Columns from which on form and YAML stand beside each other."""
CHECK_AFTER, ESTIMATE_AFTER = 0.2, 0.5
"""Seconds without a key until a text is checked, and until the estimate is made anew."""


class AssembleScreen(DraftRoom):
    """Form and YAML of one recipe, both live."""

    ROOM = "assemble"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "turn", "Form/YAML", tooltip="Go to the other side: the form, or the YAML"),
        Binding("enter", "change", "Change", show=False, tooltip="Change the field at the cursor"),
        Binding("space", "fold", "Fold", show=False, tooltip="Show the options of a component, or hide them"),
        Binding("a", "add", "Add", tooltip="Add a source, a stage or a metric to the list at the cursor"),
        Binding("delete,backspace", "remove", "Remove", show=False,
                tooltip="Take an item out of its list, or a value back to its default"),
        Binding("J", "shift(1)", "Down", show=False, tooltip="Move a stage or another item one place down"),
        Binding("K", "shift(-1)", "Up", show=False, tooltip="Move a stage or another item one place up"),
        Binding("f8", "problem", "Problem", tooltip="Go to the next problem"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._look: Look | None = None
        self._waiting: dict[str, Timer] = {}
        self._wide = self._save_then = False

    def furnish(self) -> ComposeResult:
        """Yield state, form, YAML, help and estimate."""
        yield Static("", id="state", classes="status", markup=False)
        yield Static("", id="empty", classes="empty", markup=False)
        with Horizontal(id="sides"):
            yield FormSide(lambda: self.session.host.registry, self.say, id="form-side")
            yield YamlText(id="yaml")
        yield Static("", id="about", markup=False)
        yield Static("", id="estimate", markup=False)

    def on_mount(self) -> None:
        """Know the form's side."""
        self._side = self.query_one(FormSide)
        self._form = self._side.form

    def on_resize(self) -> None:
        """Put form and YAML beside each other where there is room."""
        self._wide = self.size.width >= WIDE
        self.set_class(self._wide, "-wide")
        if self._side.writing:
            self._side.place_field()

    def missing(self, why: str) -> None:
        """Say what to do without a recipe."""
        self.add_class("-empty")
        self.query_one("#empty", Static).update(plain(why))

    def begun(self) -> None:
        """Begin at the form."""
        self.remove_class("-empty")
        self._form.focus()

    # ------------------------------------------------------------------------------------------- checked as one types

    @on(TextArea.Changed, "#yaml")
    def _changed(self) -> None:
        if self._draft:
            self._draft.latest = self.yaml.text
            self._soon("check", CHECK_AFTER, self.check)

    def _soon(self, name: str, seconds: float, work: Callable[[], object]) -> None:
        if name in self._waiting:
            self._waiting[name].stop()
        self._waiting[name] = self.set_timer(seconds, work)

    def check(self) -> None:
        """Check the text, beside the screen."""
        draft, text = self._draft, self.yaml.text
        if draft:
            self.beside(lambda: draft.look(text), self._show, group="check")

    def _show(self, look: Look) -> None:
        if look.text != self.yaml.text:  # more was typed meanwhile, which is checked too
            return
        self._look = look
        if look.rows is not None:
            self._form.fill(look.rows, look.problems)
            if self._side.writing:
                self._side.place_field()
        self._form.set_class(look.rows is None, "-stale")
        self.yaml.mark({problem.line for problem in self._own_problems()})
        self._tell_state()
        self._tell_about()
        self._soon("estimate", ESTIMATE_AFTER, self._estimate)

    def _own_problems(self) -> list[Problem]:
        """Return the problems that stand in the recipe itself, and not in a file that it names."""
        problems = self._look.problems if self._look else ()
        return [each for each in problems if each.file.endswith(self._file_name)]

    @property
    def _file_name(self) -> str:
        return self._draft.project.recipe.name if self._draft else ""

    def _tell_state(self) -> None:
        if self._draft and self._look:
            self.query_one("#state", Static).update(state_line(self._draft, self._look))

    def _estimate(self) -> None:
        draft, look = self._draft, self._look
        recipe = look.checked.recipe if look else None
        if draft is None or look is None:
            return
        if recipe is None or look.problems:
            self._show_estimate(["no estimate while there are problems"])
        else:
            self.beside(lambda: draft.estimate(recipe), self._show_estimate, group="estimate")

    def _show_estimate(self, lines: list[str]) -> None:
        self.query_one("#estimate", Static).update(plain("\n".join(lines)))

    # ------------------------------------------------------------------------------------------- where one is, and help

    def action_turn(self) -> None:
        """Go to the other side."""
        to_yaml = not self._at_yaml
        self._side.end()
        self.set_class(to_yaml, "-yaml")
        (self.yaml if to_yaml else self._form).focus()

    @property
    def _at_yaml(self) -> bool:
        return self.yaml.has_focus or (not self._wide and self.has_class("-yaml"))

    def action_leave(self) -> None:
        """Leave the field, then the YAML for the form, then the room."""
        if self._side.writing:
            self._side.end(keep=False)
        elif self._at_yaml:
            self.action_turn()
        else:
            self.app.switch_mode("home")

    @on(RecipeForm.Highlighted)
    def _row_highlighted(self) -> None:
        self._tell_about()
        row = self._form.row
        if row and self._look and not self.yaml.has_focus:
            self.yaml.point_at(self._look.checked.tree.line(row.path))

    @on(TextArea.SelectionChanged, "#yaml")
    def _cursor_moved(self) -> None:
        if self.yaml.has_focus:
            self._soon("about", CHECK_AFTER, self._follow)

    def _follow(self) -> None:
        """Bring the form to what the cursor in the YAML is at, and say what is wrong there."""
        if self._look is None:
            return
        line = self.yaml.cursor_location[0] + 1
        lines = self._look.checked.tree.lines
        at = max((path for path in lines if lines[path] <= line), key=lambda path: (lines[path], len(path)), default=())
        if at and self.yaml.has_focus:
            self._form.go(at)
        self._tell_about()

    def _tell_about(self) -> None:
        row, wrong = self._form.row, self._form.outline.problems
        if self.yaml.has_focus:
            line = self.yaml.cursor_location[0] + 1
            wrong = [problem for problem in self._own_problems() if problem.line == line]
        self.query_one("#about", Static).update(about(row, wrong))

    def action_problem(self) -> None:
        """Go to the next problem, round at the end."""
        problems = self._own_problems()
        if not problems:
            self.say("The recipe is right." if self._look else "Nothing is checked yet.")
            return
        line = self.yaml.cursor_location[0] + 1
        following = next((each for each in problems if each.line > line), problems[0])
        self.yaml.move_cursor((max(0, following.line - 1), 0), center=True)
        row = next((row for row in (self._look and self._look.rows) or () if row.where == following.key), None)
        if row:
            self._form.go(row.path)
        self._tell_about()

    # ------------------------------------------------------------------------------------------------ the form's edits

    @on(FormSide.Edit)
    def _edit(self, message: FormSide.Edit) -> None:
        """Change the text as the form wants it, as a step of its own, and check it."""
        change = self.yaml.try_out if isinstance(message, FormSide.Try) else self.yaml.put
        try:
            change(message.change(self.yaml.untried))
        except (LoresmithError, OSError) as error:
            self.tell(error)

    @on(FormSide.Ended)
    def _field_ended(self, message: FormSide.Ended) -> None:
        if message.keep:
            self.yaml.keep_tried()
        else:
            self.yaml.drop_tried()
        self._form.focus()
        if self._save_then:
            self._save_then = False
            super().action_save()

    def action_save(self) -> None:
        """Write the recipe to its file; what is still being written in a field is of it."""
        if self._side.writing:
            self._save_then = True
            self._side.end()
        else:
            super().action_save()

    def action_undo(self) -> None:
        """Take back the last change; a field that is being written is left as it was."""
        if self._side.writing:
            self._side.end(keep=False)
        else:
            super().action_undo()

    def action_change(self) -> None:
        """Change the field at the cursor."""
        self._side.change()

    def action_fold(self) -> None:
        """Show or hide what is below the row at the cursor."""
        self._form.switch_fold()

    def action_add(self) -> None:
        """Add something to the list at the cursor."""
        self._side.add()

    def action_remove(self) -> None:
        """Take an item out of its list, or a value back to its default."""
        self._side.take_out()

    def action_shift(self, by: int) -> None:
        """Move an item of a list."""
        self._side.shift(by)
