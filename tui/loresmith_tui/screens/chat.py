"""The room of chat: a conversation with the assistant, its citations, and why an answer is what it is."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static

from loresmith.cli.answers import trace_text
from loresmith.rungs import PARTS, RUNGS
from loresmith.values import Citation, Document
from loresmith_tui.screens.dialogs import Choice
from loresmith_tui.screens.reading import Reading
from loresmith_tui.screens.room import Room, error_text
from loresmith_tui.shown import one_line, plain, signs
from loresmith_tui.talking import Talk, Turn
from loresmith_tui.widgets.citations import Citations
from loresmith_tui.widgets.turn import TurnBox

MOUNTED = 30
"""Turns on the screen; earlier ones are brought back when they are asked for."""
WIDE = 110
"""Columns from which on the trace stands beside the conversation."""
WELCOME = """Ask the assistant something, and press Enter.
Answers cite the documents; Tab leads to the citations, and Enter on one opens the document at the quote.
Before anything is built, Ctrl+O chooses a rung that needs no training: prompt, few-shot, or rag."""


class ChatScreen(Room):
    """One conversation."""

    ROOM = "chat"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "leave", "Stop/back", show=False, tooltip="Stop the answer that is being written, else go back"
        ),
        Binding(
            "ctrl+t", "trace", "Trace", tooltip="Why the last answer is what it is: passages, scores, checks, prompt"
        ),
        Binding("ctrl+r", "again", "Again", tooltip="Answer the last question again, the way of the rung chosen now"),
        Binding("ctrl+y", "copy", "Copy", tooltip="Copy the last answer to the clipboard"),
        Binding("ctrl+o", "rung", "Rung", tooltip="Choose the rung that answers"),
        Binding("ctrl+n", "forget", "New", tooltip="Forget this conversation and begin another one"),
        Binding("ctrl+b", "earlier", "Earlier", show=False, tooltip="Bring back earlier turns of a long conversation"),
        Binding("up", "recall(-1)", "Recall", show=False, tooltip="Put an earlier question into the line"),
        Binding("down", "recall(1)", "Later question", show=False, tooltip="Put a later question into the line"),
    ]

    class Piece(Message):
        """A piece of the answer that is being written."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Told(Message):
        """How far something is that has to be done before the answer."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__()
        self._talk: Talk | None = None
        self._box: TurnBox | None = None
        self._stop = threading.Event()
        self._pieces, self._recalled = 0, 0

    # ------------------------------------------------------------------------------------------------- what is there

    def furnish(self) -> ComposeResult:
        """Yield conversation, citations, trace, and the line to write in."""
        yield Static("", id="status", classes="status", markup=False)
        with Container(id="split"):
            with Vertical(id="talk"):
                with VerticalScroll(id="log"):
                    yield Static(WELCOME, id="welcome", markup=False)
                yield Citations("citations")
            with VerticalScroll(id="trace"):
                yield Static("", id="why", markup=False)
        yield Input(placeholder="Ask something", id="line")

    def on_mount(self) -> None:
        """Be ready to be asked."""
        log = self.query_one("#log", VerticalScroll)
        log.can_focus = False
        log.anchor()
        self.query_one(Citations).display = False
        self.query_one("#line").focus()

    def on_unmount(self) -> None:
        """Stop what is being written: the app waits for it."""
        self._stop.set()

    def on_resize(self) -> None:
        """Put the trace where there is room."""
        self.set_class(self.size.width >= WIDE, "-wide")

    def read(self) -> None:
        """Say who answers; another project begins another conversation."""
        if self._talk is None or self._talk.project != self.session.project:
            self._talk = None
            self._clear()
        self._say_who()

    @property
    def talk(self) -> Talk:
        """The conversation."""
        if self._talk is None:
            self._talk = Talk(self.session)
        return self._talk

    def _say_who(self) -> None:
        if self.session.project is None:
            self._status("No project here. Press Escape twice, then n to start one from a recipe.")
            return
        artefact = self.session.artefact()
        rung = self.talk.rung or (artefact.rung if artefact else "")
        loaded = "" if self.talk.assistant else ", loaded with the first question"
        self._status(f"rung {rung}{loaded}" if rung else "nothing is promoted yet: Ctrl+O chooses a rung, 3 builds")

    def _status(self, text: str) -> None:
        self.query_one("#status", Static).update(one_line(text))

    @property
    def _busy(self) -> bool:
        return self._box is not None

    # ------------------------------------------------------------------------------------------------------ asking

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask."""
        question = event.value.strip()
        if not question:
            return
        if self._busy:
            self.say("An answer is being written: Escape stops it.")
            return
        event.input.value = ""
        self._ask(question)

    def _ask(self, question: str, *, again: bool = False) -> None:
        self._stop, self._pieces, self._recalled = threading.Event(), 0, 0
        self.query_one("#welcome").display = False
        self._box = TurnBox(question)
        log = self.query_one("#log", VerticalScroll)
        if again:
            self.query(TurnBox).last().remove()
        log.mount(self._box)
        log.anchor()
        self._trim()
        stop, talk = self._stop, self.talk
        self.beside(
            lambda: talk.ask(
                question,
                self._send_piece,
                stop.is_set,
                self._send_told,
                again=again,
            ),
            self._answered,
            self._failed,
            group="answer",
        )

    def _send_piece(self, text: str) -> None:
        self.post_message(self.Piece(text))

    def _send_told(self, what: str, done: int, total: int) -> None:
        self.post_message(self.Told(_told(what, done, total)))

    async def on_chat_screen_piece(self, message: Piece) -> None:
        """Show a piece of the answer."""
        self._pieces += 1
        held = self._pieces > 1 and not message.text
        self._status(f"writing: {self._pieces} pieces{', shown when it is checked' if held else ''}; Escape stops it")
        if self._box and message.text:
            await self._box.add(message.text)

    def on_chat_screen_told(self, message: Told) -> None:
        """Say how far it is."""
        if self._busy:
            self._status(message.text)

    def _answered(self, turn: Turn) -> None:
        box, self._box = self._box, None
        if box:
            self.call_later(box.finish, turn.answer)
        self.query_one(Citations).show(turn.answer.citations)
        self.query_one("#why", Static).update(trace_text(turn.answer.trace))
        self._say_who()
        for note in turn.answer.trace.notes if self._stop.is_set() else ():
            self.say(note)

    def _failed(self, error: Exception) -> None:
        box, self._box = self._box, None
        if box:
            box.note(error_text(error))
        self._say_who()
        self.tell(error)

    def on_data_table_row_selected(self) -> None:
        """Open the document of a citation at the quote."""
        citation = self.query_one(Citations).citation
        self.beside(self.session.documents, lambda documents: self._open(citation, documents), group="open")

    def _open(self, citation: Citation, documents: Mapping[str, Document]) -> None:
        document = documents.get(citation.document)
        if document is None:
            self.say(f'the document "{citation.document}" is not there any more')
            return
        self.app.push_screen(Reading(citation.document, document.text, citation.start, citation.end))

    # ---------------------------------------------------------------------------------------------------- the keys

    def action_leave(self) -> None:
        """Stop the answer; else leave the line, then the room."""
        if self._busy:
            self._stop.set()
            self._status("stopping")
        else:
            super().action_leave()

    def action_trace(self) -> None:
        """Show or hide the trace."""
        self.toggle_class("-trace")
        if not self.talk.turns:
            self.query_one("#why", Static).update("Nothing has been answered yet.")

    def action_again(self) -> None:
        """Answer the last question again."""
        if self._busy or not self.talk.turns:
            self.say("Nothing has been answered yet." if not self._busy else "An answer is being written.")
            return
        self._ask(self.talk.turns[-1].question, again=True)

    def action_copy(self) -> None:
        """Copy the last answer."""
        if self.talk.turns:
            self.app.copy_to_clipboard(plain(self.talk.turns[-1].answer.answer))
            self.say("copied, where the terminal allows it")

    def action_rung(self) -> None:
        """Choose the rung."""
        options = [(rung, f"{rung:10}{_made_of(rung)}") for rung in RUNGS]
        self.app.push_screen(Choice("Which rung shall answer?", options, self.talk.rung or ""), self._chosen)

    def _chosen(self, rung: str | None) -> None:
        if rung:
            self.talk.choose(rung)
            self._say_who()

    def action_forget(self) -> None:
        """Begin a new conversation."""
        if not self._busy:
            self.talk.forget()
            self._clear()

    def _clear(self) -> None:
        self.query(TurnBox).remove()
        self.query_one("#welcome").display = True
        self.query_one(Citations).show(())
        self.query_one("#why", Static).update("")

    def action_earlier(self) -> None:
        """Bring back earlier turns."""
        boxes = list(self.query(TurnBox))
        there = len(boxes)
        earlier = self.talk.turns[: len(self.talk.turns) - there][-MOUNTED:]
        if earlier and boxes:
            self.query_one("#log").mount_all([TurnBox(t.question, t.answer) for t in earlier], before=boxes[0])

    def _trim(self) -> None:
        boxes = list(self.query(TurnBox))
        for box in boxes[: max(0, len(boxes) - MOUNTED)]:
            box.remove()

    def action_recall(self, by: int) -> None:
        """Put another question into the line."""
        line, turns = self.query_one("#line", Input), self.talk.turns
        if line.has_focus and turns:
            self._recalled = max(-len(turns), min(0, self._recalled + by))
            line.value = turns[self._recalled].question if self._recalled else ""
            line.cursor_position = len(line.value)


def _told(what: str, done: int, total: int) -> str:
    return f"{what}: {done * 100 // total} %" if total else f"{what}…" if signs().braille else f"{what}..."


def _made_of(rung: str) -> str:
    parts = PARTS[rung]
    said = [
        (parts.demonstrations, "demonstrations"),
        (parts.passages, "passages looked up"),
        (parts.trained, "trained"),
    ]
    return ", ".join(name for there, name in said if there) or "the instructions alone"
