"""A room in which something is asked: the conversation on the screen, answered beside it piece by piece."""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from loresmith.journal.turns import Turn
from loresmith_tui.answering import name_of
from loresmith_tui.rooms import ROOMS
from loresmith_tui.screens.room import Room, error_text
from loresmith_tui.shown import one_line, signs
from loresmith_tui.talking import Heard, Talk
from loresmith_tui.widgets.citations import Citations
from loresmith_tui.widgets.trace import TracePanel
from loresmith_tui.widgets.turn import AnswerBox, Place, TurnBox
from loresmith_tui.widgets.turn_log import TurnLog

WIDE = 110
"""Columns from which on the trace stands beside the conversation, and two answers beside each other."""
WELCOME = """Ask the assistant something, and press Enter.
Answers cite the documents; Tab leads to the citations, and Enter on one opens the document at the quote.
Before anything is built, Ctrl+O chooses a rung that needs no training: prompt, few-shot, or rag."""


class TalkRoom(Room):
    """Shows a conversation and has it go on. What else can be done with it is for the subclass to say."""

    # Who comes back wants to write, whatever had the focus before.
    AUTO_FOCUS = "#line"

    class Piece(Message):
        """A piece of an answer that is being written."""

        def __init__(self, side: int, text: str) -> None:
            super().__init__()
            self.side, self.text = side, text

    class Told(Message):
        """How far something is that has to be done before the answer."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Answered(Message):
        """A side has answered."""

        def __init__(self, side: int, turn: Turn) -> None:
            super().__init__()
            self.side, self.turn = side, turn

    class Trouble(Message):
        """A turn could not be kept."""

        def __init__(self, error: Exception) -> None:
            super().__init__()
            self.error = error

    def __init__(self) -> None:
        super().__init__()
        self._talk: Talk | None = None
        self._box: TurnBox | None = None
        self._stop = threading.Event()
        self._pieces = 0

    # ------------------------------------------------------------------------------------------------- what is there

    def furnish(self) -> ComposeResult:
        """Yield conversation, citations, trace, and the line to write in."""
        yield Static("", id="status", classes="status", markup=False)
        with Container(id="split"):
            with Vertical(id="talk"):
                yield Static(WELCOME, id="welcome", markup=False)
                yield TurnLog(self._made, "log")
                yield Citations("citations")
            yield TracePanel("trace")
        yield Input(placeholder="Ask something", id="line")

    def on_mount(self) -> None:
        """Be ready to be asked."""
        self.query_one(Citations).display = False
        self.query_one("#line").focus()

    def on_unmount(self) -> None:
        """Stop what is being written: the app waits for it."""
        self._stop.set()

    def on_resize(self) -> None:
        """Put things beside each other where there is room."""
        self.set_class(self.size.width >= WIDE, "-wide")

    def read(self) -> None:
        """Say who answers; another project begins another conversation."""
        if self._talk is None or self._talk.project != self.session.project:
            self._talk = None
            self.call_later(self.redraw)
        self.say_who()

    @property
    def talk(self) -> Talk:
        """The conversation."""
        if self._talk is None:
            self._talk = Talk(self.session)
        return self._talk

    @property
    def turn_log(self) -> TurnLog:
        """The conversation on the screen."""
        return self.query_one(TurnLog)

    @property
    def busy(self) -> bool:
        """Whether something is being answered."""
        return self._box is not None

    @property
    def chosen(self) -> Turn | None:
        """The turn that keys act on."""
        place = self.turn_log.chosen
        return self.talk.turn(place.row, place.side) if place.row >= 0 else None

    def _made(self, row: int) -> TurnBox:
        talk = self.talk
        sides = range(max(1, len(talk.rows[row].places)))
        turns = [talk.turn(row, side) for side in sides]
        return TurnBox(row, talk.rows[row].question, self._names(len(sides)), turns, talk.rows[row].error)

    def _names(self, sides: int) -> list[str]:
        """Return who answers, where more than one does."""
        return [name_of(self.talk, self.session, side) for side in range(sides)] if sides > 1 else [""]

    async def redraw(self) -> None:
        """Show the conversation anew."""
        rows = len(self.talk.rows)
        self.query_one("#welcome").display = not rows
        self.turn_log.display = bool(rows)
        await self.turn_log.show(rows)
        self.show_chosen()

    def show_chosen(self) -> None:
        """Show the citations and the trace of the chosen answer."""
        turn = self.chosen
        self.query_one(Citations).show(turn.answer.citations if turn else ())
        self.query_one(TracePanel).show(turn.answer.trace if turn else None)
        self.say_who()

    def say_who(self) -> None:
        """Say who answers, and which answer is looked at."""
        if self.session.project is None:
            self.status("No project here. Press Escape twice, then n to start one from a recipe.")
        elif not self.busy:
            self.status(self._who())

    def _who(self) -> str:
        talk = self.talk
        names = [name_of(talk, self.session, side) for side in range(len(talk.sides))]
        if not all(names):
            return f"nothing is promoted yet: Ctrl+O chooses a rung, {ROOMS['build'].key} builds"
        loaded = "" if talk.assistant(0) else ", loaded with the first question"
        row, rows = self.turn_log.chosen.row + 1, len(talk.rows)
        at = f", at turn {row} of {rows}" if 0 < row < rows else ""
        kept = "" if talk.sides[0].conversation.kept else ", not kept"
        return f"rung {' beside '.join(names)}{loaded}{at}{kept}"

    def status(self, text: str) -> None:
        """Say something at the top."""
        self.query_one("#status", Static).update(one_line(text))

    # ------------------------------------------------------------------------------------------------------ asking

    async def ask(self, question: str) -> None:
        """Have a question answered."""
        talk, names = self.talk, self._names(len(self.talk.sides))
        box = TurnBox(len(talk.rows), question, names, [None] * len(names))
        await self._begin(lambda heard: talk.ask(question, heard), box)

    async def ask_again(self, *, beside: bool = False) -> None:
        """Have the last question answered again; by the one who came beside alone, if so."""
        talk, names, row = self.talk, self._names(len(self.talk.sides)), len(self.talk.rows) - 1
        turns = [talk.turn(row, side) if beside else None for side in range(len(names))]
        box = TurnBox(row, talk.rows[row].question, names, turns)
        await self._begin(talk.ask_beside if beside else talk.ask_again, box)

    async def _begin(self, work: Callable[[Heard], None], box: TurnBox) -> None:
        self._box, self._stop, self._pieces = box, threading.Event(), 0
        self.query_one("#welcome").display = False
        self.turn_log.display = self.turn_log.held = True
        await self.turn_log.put(box)
        heard = Heard(
            lambda side, text: self._post(self.Piece(side, text)),
            lambda side, turn: self._post(self.Answered(side, turn)),
            lambda what, done, total: self._post(self.Told(_told(what, done, total))),
            lambda error: self._post(self.Trouble(error)),
            self._stop.is_set,
        )
        self.beside(lambda: work(heard), lambda _: self._ended(), self._failed, group="answer")

    def _post(self, message: Message) -> None:
        self.post_message(message)

    async def on_talk_room_piece(self, message: Piece) -> None:
        """Show a piece of the answer."""
        self._pieces += 1
        held = self._pieces > 1 and not message.text
        self.status(f"writing: {self._pieces} pieces{', shown when it is checked' if held else ''}; Escape stops it")
        if self._box and message.text:
            await self._box.answers[message.side].add(message.text)

    def on_talk_room_told(self, message: Told) -> None:
        """Say how far it is."""
        if self.busy:
            self.status(message.text)

    async def on_talk_room_answered(self, message: Answered) -> None:
        """Show the answer of a side as it is kept."""
        self._pieces = 0
        if self._box:
            await self._box.answers[message.side].show(message.turn)
        for note in message.turn.answer.trace.notes if self._stop.is_set() else ():
            self.say(note)

    def on_talk_room_trouble(self, message: Trouble) -> None:
        """Say that the conversation is kept no more, and why."""
        self.tell(message.error)

    def _ended(self) -> None:
        self._box, self.turn_log.held = None, False
        self.show_chosen()
        # The citations have taken room from the end of the conversation.
        self.call_after_refresh(self.turn_log.anchor)

    def _failed(self, error: Exception) -> None:
        box = self._box
        if box and self.talk.rows:
            self.talk.rows[-1].error = error_text(error)
            self.call_later(box.fail, error_text(error))
        self._ended()
        self.tell(error)

    def on_answer_box_chosen(self, message: AnswerBox.Chosen) -> None:
        """Have the keys act on the answer that was clicked."""
        self.choose(message.place)

    def choose(self, place: Place) -> None:
        """Have the keys act on an answer."""
        self.turn_log.choose(place)
        self.show_chosen()


def _told(what: str, done: int, total: int) -> str:
    return f"{what}: {done * 100 // total} %" if total else f"{what}…" if signs().braille else f"{what}..."
