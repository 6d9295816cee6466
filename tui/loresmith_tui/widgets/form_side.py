"""The form's side of the recipe: asks for what a row shall be, and says by messages how the text is to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input

from loresmith.recipe import form_edits
from loresmith.recipe.form import Row
from loresmith.registry import Registry
from loresmith_tui import form_values
from loresmith_tui.screens.dialogs import Choice, Line, Passage, Several
from loresmith_tui.widgets.recipe_form import RecipeForm

TRY_AFTER = 0.12
"""Seconds without a key until what stands in a field is tried out in the text."""
OTHER = "\0"
"""The choice of writing something that is not on the list."""

Change = Callable[[str], str]
"""Makes the text that is wanted of the text that is there."""


class FormSide(Vertical):
    """Holds the form, and the line in which a field is changed.

    Args:
        registry: Gives the components there are.
        say: Tells the user something.
    """

    class Edit(Message):
        """The text is to change."""

        def __init__(self, change: Change) -> None:
            super().__init__()
            self.change = change

    class Try(Edit):
        """The text is to change in place of what was tried before; a field is still being written."""

    class Ended(Message):
        """A field is written: what was tried stands, or is dropped."""

        def __init__(self, *, keep: bool) -> None:
            super().__init__()
            self.keep = keep

    def __init__(self, registry: Callable[[], Registry], say: Callable[[str], None], id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._registry, self._say = registry, say
        self.form = RecipeForm(id="form")
        self._field = Input(id="field", compact=True)
        self._row: Row | None = None
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield the form and the line over it."""
        yield self.form
        yield self._field

    def on_mount(self) -> None:
        """Show no line before one is wanted."""
        self._field.display = False

    @property
    def writing(self) -> bool:
        """Whether a field is being written."""
        return self._row is not None

    # -------------------------------------------------------------------------------------------------------- asking

    @on(RecipeForm.Chosen)
    def change(self) -> None:
        """Change the row at the cursor, as its shape asks for."""
        row = self.form.row
        if row is None or self.writing:
            return
        match row.shape:
            case "switch":
                self._set(row, not row.value)
            case "several":
                chosen = row.value if isinstance(row.value, list) else []
                self._ask(Several(row.where, [choice.name for choice in row.choices], chosen), row)
            case "list" | "bases" | "group":
                self.form.switch_fold()
            case _ if row.shape == "part" or row.choices:
                self._ask_choice(row)
            case _ if isinstance(row.value, str) and "\n" in row.value:
                self._ask(Passage(row.where, row.value), row)
            case _:
                self._write(row)

    def _set(self, row: Row, value: Any) -> None:
        self.post_message(self.Edit(lambda text: form_edits.with_row(text, row, value)))

    def _ask(self, question: ModalScreen[Any], row: Row) -> None:
        def answered(value: Any) -> None:
            if value is not None:
                self._set(row, value)

        self.app.push_screen(question, answered)

    def _ask_choice(self, row: Row) -> None:
        options = _options(row)
        if row.optional and row.given:
            options.append(("", "none"))
        if row.shape == "text":
            options.append((OTHER, "another one, to be written"))
        now = row.value if isinstance(row.value, str) else ""
        self.app.push_screen(Choice(f"{row.where}: {row.help}", options, now), lambda name: self._choose(row, name))

    def _choose(self, row: Row, name: str | None) -> None:
        if name == OTHER:
            self._write(row)
        elif name and row.shape == "part":
            self.form.outline.unfold(row.path)
            self.post_message(self.Edit(lambda text: form_edits.with_choice(text, row, name, self._registry())))
        elif name:
            self._set(row, name)

    # --------------------------------------------------------------------------------------------------------- lists

    def add(self) -> None:
        """Add something to the list at the cursor."""
        row = self.form.outline.list_row
        if row is None:
            self._say("Go to a list first: sources, examples, preferences, training or metrics.")
            return
        base = row.shape == "bases"
        question = Line("Name of the knowledge base") if base else Choice(f"Add to {row.where}", _options(row))
        self.app.push_screen(question, lambda name: self._add(row, name or ""))

    def _add(self, row: Row, name: str) -> None:
        if not name:
            return
        base = row.shape == "bases"
        edit = form_edits.with_base if base else form_edits.with_added
        self.form.outline.unfold((*row.path, name if base else len(row.value or ())))
        self.post_message(self.Edit(lambda text: edit(text, row, name)))

    def take_out(self) -> None:
        """Take an item out of its list, or a value back to its default."""
        row = self.form.row
        if row and (row.given or row.item):
            self.post_message(self.Edit(lambda text: form_edits.without_row(text, row)))
        elif row:
            self._say(f"{row.where} is at its default already.")

    def shift(self, by: int) -> None:
        """Move an item of a list."""
        row = self.form.outline.item
        if row and isinstance(row.path[-1], int):
            self.form.outline.expect((*row.path[:-1], max(0, row.path[-1] + by)))
            self.post_message(self.Edit(lambda text: form_edits.with_row_moved(text, row, by)))

    # ---------------------------------------------------------------------------------------------------- the field

    def _write(self, row: Row) -> None:
        """Open the line over the row's value."""
        self._row = row
        with self.prevent(Input.Changed):
            self._field.value = form_values.shown(row)
        self._field.display = True
        self.place_field()
        self._field.focus()

    def place_field(self) -> None:
        """Put the line where the row is now."""
        offset, width = self.form.place()
        self._field.styles.offset = offset
        self._field.styles.width = width

    @on(Input.Changed)
    def _typed(self) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(TRY_AFTER, self._try)

    def _try(self) -> None:
        if self._row:
            row, typed = self._row, self._field.value
            self.post_message(self.Try(lambda text: _with_typed(text, row, typed)))

    @on(Input.Submitted)
    @on(Input.Blurred)
    def _written(self) -> None:
        self.end()

    def end(self, *, keep: bool = True) -> None:
        """Close the line, if it is open."""
        if self._row is None:
            return
        if keep:
            self._try()
        self._row = None
        self._field.display = False
        self.post_message(self.Ended(keep=keep))


def _options(row: Row) -> list[tuple[str, str]]:
    return [(each.name, f"{each.name}   {each.summary}".rstrip()) for each in row.choices]


def _with_typed(text: str, row: Row, typed: str) -> str:
    """Return the text with what was typed; nothing typed is the default, where there is one."""
    if typed == form_values.shown(row):
        return text
    if typed or row.required:
        return form_edits.with_row(text, row, form_values.read(row, typed))
    return form_edits.without_row(text, row)
