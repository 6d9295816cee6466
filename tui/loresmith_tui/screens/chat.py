"""The room of chat: what can be done with a conversation, its answers and their citations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from loresmith.journal.finding import listed
from loresmith.values import Citation, Document
from loresmith_tui.answering import Choices, able, name_of
from loresmith_tui.screens.dialogs import Choice, Passage
from loresmith_tui.screens.history import HistoryScreen
from loresmith_tui.screens.reading import Reading
from loresmith_tui.screens.talk import TalkRoom
from loresmith_tui.shown import one_line, plain
from loresmith_tui.talking import Side, Who
from loresmith_tui.widgets.citations import Citations
from loresmith_tui.widgets.turn import AnswerBox, Place


class ChatScreen(TalkRoom):
    """One conversation, answered by one or by two."""

    ROOM = "chat"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "leave", "Stop/back", show=False, tooltip="Stop the answer that is being written, else go back"
        ),
        Binding("ctrl+t", "trace", "Trace", tooltip="Why the answer is what it is: passages, scores, checks, prompt"),
        Binding(
            "ctrl+r", "again", "Again", show=False, tooltip="Answer the last question again, by the rung chosen now"
        ),
        Binding(
            "ctrl+o", "rung", "Rung", tooltip="Choose the rung that answers, of what is promoted or of another run"
        ),
        Binding(
            "ctrl+s", "beside", "Beside", tooltip="Have a second rung or run answer beside; then, keep one of both"
        ),
        Binding(
            "f6,plus", "judge(True)", "Good", key_display="f6", tooltip="Thumb up for the answer; again takes it back"
        ),
        Binding("f7,minus", "judge(False)", "Bad", key_display="f7", tooltip="Thumb down; again takes it back"),
        Binding("f8", "correct", "Correct", tooltip="Thumb down, and write what the answer should have been"),
        Binding("ctrl+l", "history", "History", tooltip="Search the conversations that are kept, and go on with one"),
        Binding(
            "ctrl+n", "forget", "New", show=False, tooltip="Begin another conversation; this one stays in the history"
        ),
        Binding("ctrl+y", "copy", "Copy", show=False, tooltip="Copy the answer to the clipboard"),
        Binding("f9", "keep", "Keep/not", show=False, tooltip="Begin a conversation that is not kept, or one that is"),
        Binding("ctrl+g", "across", "Other side", show=False, tooltip="Have the keys act on the answer beside"),
        Binding("ctrl+up", "look(-1)", "Answer before", show=False, tooltip="Have the keys act on the answer before"),
        Binding("ctrl+down", "look(1)", "Next answer", show=False, tooltip="Have the keys act on the next answer"),
        Binding("pageup", "page(-1)", "Page up", show=False, tooltip="Leaf back; earlier turns come by themselves"),
        Binding("pagedown", "page(1)", "Page down", show=False, tooltip="Leaf on"),
        Binding("up", "recall(-1)", "Recall", show=False, tooltip="Put an earlier question into the line"),
        Binding("down", "recall(1)", "Later question", show=False, tooltip="Put a later question into the line"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._recalled = 0

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask."""
        question = event.value.strip()
        if question and self._free():
            event.input.value, self._recalled = "", 0
            await self.ask(question)

    def _free(self) -> bool:
        if self.busy:
            self.say("An answer is being written: Escape stops it.")
        return not self.busy

    def action_leave(self) -> None:
        """Stop the answer; else leave the line, then the room."""
        if self.busy:
            self._stop.set()
            self.status("stopping")
        else:
            super().action_leave()

    # --------------------------------------------------------------------------------------------------- citations

    def on_data_table_row_selected(self) -> None:
        """Open the document of a citation at the quote."""
        self._open_citation(self.query_one(Citations).citation)

    def on_answer_box_cited(self, message: AnswerBox.Cited) -> None:
        """Open the document of a citation that was clicked."""
        self._open_citation(message.citation)

    def _open_citation(self, citation: Citation) -> None:
        self.beside(self.session.documents, lambda documents: self._open(citation, documents), group="open")

    def _open(self, citation: Citation, documents: Mapping[str, Document]) -> None:
        document = documents.get(citation.document)
        if document is None:
            self.say(f'the document "{citation.document}" is not there any more')
            return
        self.app.push_screen(Reading(citation.document, document.text, citation.start, citation.end))

    # ------------------------------------------------------------------------------------------------ what was said

    def action_judge(self, liked: bool) -> None:
        """Give the chosen answer a thumb, or take it back."""
        turn = self.chosen
        if turn is None:
            self.say("Nothing has been answered yet.")
        elif not self.busy:
            self._judge(None if turn.liked == liked else liked)

    def _judge(self, liked: bool | None, correction: str = "") -> None:
        place, talk = self.turn_log.chosen, self.talk
        self.beside(
            lambda: talk.judge(place.row, place.side, liked=liked, correction=correction),
            lambda _: self._judged(place),
            group="judge",
        )

    def _judged(self, place: Place) -> None:
        turn, box = self.talk.turn(place.row, place.side), self.turn_log.answer(place)
        if turn and box:
            box.say_of(turn)

    def action_correct(self) -> None:
        """Write what the chosen answer should have been."""
        turn = self.chosen
        if turn is None:
            self.say("Nothing has been answered yet.")
        elif not self.busy:
            asked = f"{one_line(turn.question, 120)}\nWhat should the answer have been?"
            self.app.push_screen(Passage(asked, turn.correction or plain(turn.answer.answer)), self._corrected)

    def _corrected(self, correction: str | None) -> None:
        if correction:
            self._judge(liked=False, correction=correction)

    def action_history(self) -> None:
        """Look for a conversation that was kept."""
        if self._free():
            project = self.session.here if self.session.project else None
            find = (lambda words: listed(project, words)) if project else (lambda _: [])
            self.app.push_screen(HistoryScreen(find), self._found)

    def _found(self, name: str | None) -> None:
        if name:
            self.beside(lambda: self.talk.open(name), lambda _: self.call_later(self.redraw), group="history")

    def action_forget(self) -> None:
        """Begin a new conversation."""
        if self._free():
            self.talk.forget()
            self.call_later(self.redraw)

    def action_keep(self) -> None:
        """Begin a conversation that is kept, if this one is not; else one that is not."""
        if self._free():
            self.talk.forget(kept=not self.talk.kept)
            self.say("kept in the history from now on" if self.talk.kept else "not kept from now on")
            self.call_later(self.redraw)

    # --------------------------------------------------------------------------------------------------- who answers

    async def action_again(self) -> None:
        """Answer the last question again."""
        if self._free() and self.talk.rows:
            await self.ask_again()

    def action_rung(self) -> None:
        """Choose who answers."""
        if self._free():
            self._choose("Which rung shall answer?", self._take)

    def action_beside(self) -> None:
        """Put another beside, or go on with one of the two."""
        if not self._free():
            return
        if len(self.talk.sides) > 1:
            names = [(str(side), name_of(self.talk, self.session, side)) for side in range(2)]
            self.app.push_screen(
                Choice("Which one shall go on alone?", names, str(self.turn_log.chosen.side)), self._alone
            )
        else:
            self._choose("Which one shall answer beside?", self._put_beside)

    def _choose(self, question: str, then: Callable[[Who], Any]) -> None:
        def ask(there: Choices) -> None:
            options = [(str(number), shown) for number, (_, shown) in enumerate(there)]
            now = next((str(n) for n, (who, _) in enumerate(there) if who == self._side.who), "")
            self.app.push_screen(
                Choice(question, options, now), lambda name: then(there[int(name)][0]) if name else None
            )

        self.beside(lambda: able(self.session), ask, group="choose")

    @property
    def _side(self) -> Side:
        """The side that is chosen."""
        return self.talk.sides[min(self.turn_log.chosen.side, len(self.talk.sides) - 1)]

    def _take(self, who: Who) -> None:
        self._side.who = who
        self.say_who()

    async def _put_beside(self, who: Who) -> None:
        self.talk.put_beside(who)
        self.say_who()
        if self.talk.rows:
            await self.ask_again(beside=True)

    def _alone(self, side: str | None) -> None:
        if side:
            self.talk.keep_side(int(side))
            self.call_later(self.redraw)

    # ------------------------------------------------------------------------------------------------------- looking

    def action_trace(self) -> None:
        """Show or hide the trace."""
        self.toggle_class("-trace")

    def action_copy(self) -> None:
        """Copy the chosen answer."""
        turn = self.chosen
        if turn:
            self.app.copy_to_clipboard(plain(turn.answer.answer))
            self.say("copied, where the terminal allows it")

    async def action_across(self) -> None:
        """Choose the answer beside."""
        place = self.turn_log.chosen
        if place.row >= 0 and len(self.talk.rows[place.row].places) > 1:
            await self._go_to(Place(place.row, 1 - place.side))

    async def action_look(self, by: int) -> None:
        """Choose the answer before or the next one."""
        place = self.turn_log.chosen
        row = max(0, min(len(self.talk.rows) - 1, place.row + by))
        if not self.busy and self.talk.rows:
            await self._go_to(Place(row, max(0, min(place.side, len(self.talk.rows[row].places) - 1))))

    async def _go_to(self, place: Place) -> None:
        await self.turn_log.go_to(place)
        self.show_chosen()

    def action_page(self, by: int) -> None:
        """Leaf through the conversation."""
        self.turn_log.scroll_relative(y=by * max(1, self.turn_log.size.height - 2), animate=False)

    def action_recall(self, by: int) -> None:
        """Put another question into the line."""
        line, rows = self.query_one("#line", Input), self.talk.rows
        if line.has_focus and rows:
            self._recalled = max(-len(rows), min(0, self._recalled + by))
            line.value = rows[self._recalled].question if self._recalled else ""
            line.cursor_position = len(line.value)
