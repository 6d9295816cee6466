"""The conversations that are kept: searched through, one of them to be opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Label

from loresmith.errors import LoresmithError
from loresmith.journal.finding import Listed
from loresmith.moments import shown
from loresmith_tui.shown import one_line, plain
from loresmith_tui.widgets.table import Cell, Table, styled

PAUSE = 0.15
"""Seconds without a key after which is searched."""


class HistoryScreen(ModalScreen[str]):
    """Lists conversations; hands over the id of the chosen one, or an empty text.

    Args:
        find: Returns the conversations in which some words are said; called from a thread.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss('')", "Never mind"),
        Binding("down", "to_list", "To the list", show=False),
    ]

    class Found(Message):
        """The conversations that were searched for, or why there are none."""

        def __init__(self, words: str, found: Sequence[Listed], trouble: str = "") -> None:
            super().__init__()
            self.words, self.found, self.trouble = words, found, trouble

    def __init__(self, find: Callable[[str], Sequence[Listed]]) -> None:
        super().__init__()
        self._find = find
        self._timer: Timer | None = None
        self._shown, self._hurried = "", False

    def compose(self) -> ComposeResult:
        """Put search line and list into a frame."""
        with Vertical(classes="dialog tall", id="history"):
            yield Input(placeholder="Words that were said; Enter opens, Escape: never mind", id="words")
            yield Label("", id="count", markup=False)
            yield Table((), id="conversations")

    def on_mount(self) -> None:
        """List the latest."""
        self._search()

    def on_input_changed(self) -> None:
        """Search when no more is typed."""
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._search)

    def _search(self) -> None:
        words = self.query_one("#words", Input).value

        def work() -> None:
            try:
                found = self.Found(words, self._find(words))
            except (LoresmithError, OSError) as error:
                found = self.Found(words, (), str(error))
            self.post_message(found)

        self.run_worker(work, thread=True, exclusive=True, exit_on_error=False)

    def on_history_screen_found(self, message: Found) -> None:
        """Show what was found, unless other words were typed since."""
        if message.words != self.query_one("#words", Input).value:
            return
        found, self._shown = message.found, message.words
        count = f"{len(found)} conversation{'' if len(found) == 1 else 's'}"
        none = "Nothing said so far has these words." if message.words else "Nothing is kept yet: ask something first."
        self.query_one("#count", Label).update(plain(message.trouble or (count if found else none)))
        searched = bool(message.words.strip())
        heads = ["latest", "began with", *(["said"] if searched else ["turns", "rungs"])]
        self.query_one(Table).fill(((each.id, self._cells(each, searched)) for each in found), heads)
        if self._hurried and found:
            self.dismiss(found[0].id)
        self._hurried = False

    def _cells(self, each: Listed, searched: bool) -> list[Cell]:
        latest = styled(shown(each.latest).removesuffix(" UTC"), "dim")
        if searched:
            return [latest, one_line(each.title, 24), each.found]
        return [latest, one_line(each.title, 34), str(each.turns), each.rungs]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Open the one at the cursor; what was typed in a hurry is searched for first."""
        if event.value == self._shown:
            self.dismiss(self.query_one(Table).chosen or "")
        else:
            self._hurried = True
            self._search()

    def on_data_table_row_selected(self) -> None:
        """Open it."""
        self.dismiss(self.query_one(Table).chosen or "")

    def action_to_list(self) -> None:
        """Go from the line to the list."""
        self.query_one(Table).focus()
