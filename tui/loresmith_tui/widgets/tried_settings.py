"""Settings of the search as a form: what is changed in it is tried at once, and stays out of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from loresmith.recipe.form import Row
from loresmith.recipe.positions import KeyPath
from loresmith_tui import form_values
from loresmith_tui.screens.dialogs import Choice
from loresmith_tui.shown import plain, signs
from loresmith_tui.widgets.recipe_form import RecipeForm

PAUSE = 0.25
"""Seconds without a key after which what is typed is tried."""


class TriedSettings(Vertical):
    """The settings, with a line to write a value in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "change", "Change", show=False),
        Binding("plus", "step(1)", "More", show=False),
        Binding("minus", "step(-1)", "Less", show=False),
        Binding("delete,backspace", "drop", "Back to the recipe's", show=False),
    ]

    class Tried(Message):
        """Another value is to be tried."""

        def __init__(self, path: KeyPath, value: Any) -> None:
            super().__init__()
            self.path, self.value = path, value

    class Dropped(Message):
        """A setting is to be as the recipe says again."""

        def __init__(self, path: KeyPath) -> None:
            super().__init__()
            self.path = path

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Row] = ()
        self._row: Row | None = None
        self._typed = ""
        self._timer: Timer | None = None
        self._wrong = ""

    def compose(self) -> ComposeResult:
        """Yield form, line, and what there is to say about the row at the cursor."""
        form = RecipeForm("settings")
        form.outline.unfold(("retriever",))
        yield form
        yield Input(id="setting", compact=True)
        yield Static("", id="about-setting", markup=False)

    @property
    def form(self) -> RecipeForm:
        """The form."""
        return self.query_one(RecipeForm)

    def fill(self, rows: Sequence[Row]) -> None:
        """Show the settings."""
        self._rows = rows
        self.form.fill(rows, ())
        self._tell()

    def say_wrong(self, why: str) -> None:
        """Say what is wrong with what is tried; an empty text where it is right."""
        self._wrong = why
        self._tell()

    def on_recipe_form_highlighted(self) -> None:
        """Say what the row is for."""
        self._tell()

    def on_recipe_form_chosen(self) -> None:
        """Change what is clicked."""
        self.action_change()

    def _tell(self) -> None:
        row = self.form.row
        about = f"{row.where}: {row.help}. {row.takes}" if row else ""
        wrong = f"{signs().bad} {self._wrong}" if self._wrong else ""
        told = self.query_one("#about-setting", Static)
        told.set_class(bool(wrong), "-wrong")
        told.update(plain(wrong or about))

    # ---------------------------------------------------------------------------------------------------- changing

    def action_change(self) -> None:
        """Change the setting at the cursor."""
        row = self.form.row
        if row is None:
            return
        if row.shape == "group":
            self.form.switch_fold()
        elif row.shape == "switch":
            self.post_message(self.Tried(row.path, not row.value))
        elif row.choices:
            options = [(each.name, f"{each.name}   {each.summary}".rstrip()) for each in row.choices]
            self.app.push_screen(Choice(f"{row.where}: {row.help}", options, str(row.value)), self._chosen)
        else:
            self._begin(row)

    def _chosen(self, name: str | None) -> None:
        row = self.form.row
        if name and row:
            path = (*row.path, row.key) if row.shape == "part" else row.path
            self.post_message(self.Tried(path, name))

    def action_step(self, by: int) -> None:
        """Make a number larger or smaller."""
        row = self.form.row
        if row and row.shape in ("number", "value") and isinstance(row.value, int | float):
            value = (
                row.value + by if isinstance(row.value, int) and not _is_share(row) else round(row.value + by / 10, 6)
            )
            # A key that is held comes again before the search is through.
            self.fill([replace(each, value=value) if each.path == row.path else each for each in self._rows])
            self.post_message(self.Tried(row.path, value))

    def action_drop(self) -> None:
        """Take the setting at the cursor back to what the recipe says."""
        row = self.form.row
        if row:
            self.post_message(self.Dropped((*row.path, row.key) if row.shape == "part" else row.path))

    def _begin(self, row: Row) -> None:
        self._row, self._typed = row, form_values.shown(row)
        line = self.query_one("#setting", Input)
        with line.prevent(Input.Changed):
            line.value = self._typed
        line.placeholder = f"{row.name}: {row.takes}"
        line.display = True
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Try what is typed as soon as no more is."""
        event.stop()
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._try)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Try it at once, and leave the line."""
        event.stop()
        self._try()
        self.form.focus()

    def on_input_blurred(self) -> None:
        """Put the line away."""
        self.query_one("#setting").display = False
        self._row = None

    def _try(self) -> None:
        if self._timer:
            self._timer.stop()
        row, typed = self._row, self.query_one("#setting", Input).value
        if row is None or typed == self._typed:
            return
        self._typed = typed
        self.post_message(self.Tried(row.path, form_values.read(row, typed)) if typed else self.Dropped(row.path))


def _is_share(row: Row) -> bool:
    """Whether a number is one that lies between 0 and 1, or is no whole one by default."""
    return isinstance(row.default, float) or "a whole number" not in row.takes
