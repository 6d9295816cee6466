"""A room in which a project's recipe is edited: read, saved, undone, compared with what is on disk."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from loresmith_tui.assembling import ChangedOnDisk, Draft
from loresmith_tui.rooms import ROOMS
from loresmith_tui.screens.dialogs import Choice
from loresmith_tui.screens.reading import Reading
from loresmith_tui.screens.room import Room, error_text
from loresmith_tui.widgets.yaml_text import YamlText


class DraftRoom(Room):
    """Holds the draft of a recipe, whose text stands in a `YamlText`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", tooltip="Write the recipe to its file"),
        Binding("ctrl+z", "undo", "Undo", tooltip="Take back the last change, of the form or of the YAML"),
        Binding("ctrl+y", "redo", "Redo", show=False, tooltip="Do again what was taken back"),
        Binding("f9", "difference", "Unsaved", tooltip="Show what differs from the file on disk"),
        Binding("ctrl+r", "revert", "Revert", show=False, tooltip="Take what is on disk; Undo brings your edits back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._draft: Draft | None = None

    @property
    def yaml(self) -> YamlText:
        """The text."""
        return self.query_one(YamlText)

    def begun(self) -> None:
        """Called when a recipe was read."""

    def missing(self, why: str) -> None:
        """Called when there is no recipe to edit."""

    def check(self) -> None:
        """Called when there may be something new to say of the text."""
        raise NotImplementedError

    def read(self) -> None:
        """Go on with what is here; take what is on disk where nothing is unsaved."""
        project = self.session.project
        if project is None:
            self.missing("No project here. Press 1, then n to start one from a recipe.")
        elif self._draft is None or self._draft.project != project:
            self._draft = Draft(self.session)
            self.beside(self._draft.read, self._begin, self._unreadable)
        elif not self._draft.begun:
            return  # it is being read
        elif self._draft.changed_on_disk and not self._draft.unsaved:
            self.beside(self._draft.take, self.yaml.put)
        else:
            self.check()

    def _begin(self, text: str) -> None:
        self.yaml.load_text(text)
        self.begun()
        if self._draft and self._draft.unsaved:
            self.say("Your unsaved edits are here again. Ctrl+S writes them, F9 shows them, Ctrl+R drops them.")

    def _unreadable(self, error: Exception) -> None:
        self._draft = None  # what cannot be read is not to be written either
        self.missing(error_text(error))

    def on_screen_suspend(self) -> None:
        """Say that what is not saved is kept."""
        if self._draft and self._draft.unsaved and self.app.current_mode != self.ROOM:
            self.say(f"Edits of the recipe are kept, not saved: {ROOMS[self.ROOM].key} goes back to them.")

    def on_unmount(self) -> None:
        """Keep what was typed last, of which no look was taken yet."""
        if self._draft:
            self._draft.keep()

    # -------------------------------------------------------------------------------------------------------- saving

    def action_save(self) -> None:
        """Write the recipe to its file."""
        self._save(anyway=False)

    def _save(self, *, anyway: bool) -> None:
        draft, text = self._draft, self.yaml.text
        if draft:
            self.beside(lambda: draft.save(text, anyway=anyway), self._saved, self._not_saved, group="save")

    def _saved(self, _: None) -> None:
        self.say("saved")
        self.check()

    def _not_saved(self, error: Exception) -> None:
        if not isinstance(error, ChangedOnDisk):
            self.tell(error)
            return
        options = [("write", "Write mine over it"), ("look", "Show what differs"), ("disk", "Take what is on disk")]
        self.app.push_screen(Choice(f"{error.message}. What now?", options), self._settled)

    def _settled(self, choice: str | None) -> None:
        match choice:
            case "write":
                self._save(anyway=True)
            case "look":
                self.action_difference()
            case "disk":
                self.action_revert()

    def action_revert(self) -> None:
        """Take what is on disk, as a step that can be undone."""
        if self._draft:
            self.beside(self._draft.take, self.yaml.put)

    def action_difference(self) -> None:
        """Show what differs from the file on disk."""
        draft, text = self._draft, self.yaml.text
        if draft:
            self.beside(lambda: draft.difference(text), self._show_difference, group="difference")

    def _show_difference(self, lines: str) -> None:
        if lines:
            self.app.push_screen(Reading("What is not saved: - on disk, + here", lines))
        else:
            self.say("Nothing is unsaved.")

    # ------------------------------------------------------------------------------------------------------- history

    def action_undo(self) -> None:
        """Take back the last change."""
        self.yaml.undo()

    def action_redo(self) -> None:
        """Do again what was taken back."""
        self.yaml.redo()
