"""A conversation with one assistant, or with two side by side: what was said, and what is loaded to go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from loresmith.assistant.assistant import Assistant
from loresmith.assistant.open import open_assistant, recipe_of
from loresmith.errors import JournalError
from loresmith.journal.conversations import Conversation, history_wanted
from loresmith.journal.turns import Turn
from loresmith.knowledge.bases import index_fingerprint
from loresmith.project import Project
from loresmith.specs import Engine
from loresmith_tui.session import Session

Told = Callable[[str, int, int], None]
"""Called with (what is going on, done, total)."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who answers: a rung of a run; what is empty is as promoted."""

    rung: str = ""
    run: str = ""


@dataclass(slots=True)
class Side:
    """One of those that answer, and the conversation with it."""

    who: Who
    conversation: Conversation


@dataclass(slots=True)
class Row:
    """A question, and what became of it.

    Args:
        question: The question.
        places: For each side the place of the answer among its turns; None where it has none.
        error: Why the last answer failed.
    """

    question: str
    places: list[int | None] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """Told of an answer while it is made; called from the thread that makes it.

    Args:
        piece: Given the side and each piece of its reply; empty ones while it is held back to be checked.
        answered: Given the side and its turn.
        told: Told how far a model is loaded.
        trouble: Told why a turn could not be kept.
        stopping: Whether to stop; the reply is then kept as far as it came.
    """

    piece: Callable[[int, str], None]
    answered: Callable[[int, Turn], None]
    told: Told
    trouble: Callable[[Exception], None]
    stopping: Callable[[], bool]


class Talk:
    """One conversation; what takes long is to be called from a thread, one call at a time.

    Args:
        session: Where the assistants come from.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.project = session.project
        self.kept = history_wanted()
        self.sides = [Side(Who(), self._begun())]
        self.rows: list[Row] = []
        self._stamp: object = None
        self._assistants: dict[Who, Assistant] = {}
        self._engines: dict[object, Engine] = {}

    # ------------------------------------------------------------------------------------------------- what was said

    def turn(self, row: int, side: int) -> Turn | None:
        """Return what a side answered to a question."""
        places = self.rows[row].places if -len(self.rows) <= row < len(self.rows) else []
        place = places[side] if side < len(places) else None
        return None if place is None else self.sides[side].conversation.turns[place]

    def judge(self, row: int, side: int, *, liked: bool | None, correction: str = "") -> Turn | None:
        """Keep what somebody thinks of an answer; raises as `Conversation.judge`."""
        place = self.rows[row].places[side]
        if place is None:
            return None
        return self.sides[side].conversation.judge(place, liked=liked, correction=correction)

    def forget(self, *, kept: bool | None = None) -> None:
        """Begin a new conversation; `kept` says whether it, and those after it, are kept."""
        self.kept = self.kept if kept is None else kept
        for side in self.sides:
            side.conversation = self._begun()
        self.rows = []

    def open(self, name: str) -> None:
        """Go on with a conversation of the journal; raises as `Conversation.open`."""
        conversation = Conversation.open(self._session.here, name, kept=self.kept)
        self.sides = [Side(self.sides[0].who, conversation)]
        self.rows = [Row(turn.question, [place]) for place, turn in enumerate(conversation.turns)]

    def _begun(self) -> Conversation:
        return Conversation(self.project or Project(self._session.folder), kept=self.kept)

    # --------------------------------------------------------------------------------------------------- who answers

    def assistant(self, side: int) -> Assistant | None:
        """Return what answers on a side, once it is loaded."""
        return self._assistants.get(self.sides[side].who)

    def put_beside(self, who: Who) -> None:
        """Have another answer beside; its conversation is the same up to the last question."""
        first = self.sides[0].conversation
        self.sides = [self.sides[0], Side(who, first.copy(max(0, len(first.turns) - 1)))]

    def keep_side(self, side: int) -> None:
        """Go on with one side alone."""
        self.sides = [self.sides[side]]
        for row in self.rows:
            # Up to where the sides parted, both have the same turns at the same places.
            row.places = [row.places[side if side < len(row.places) else 0]] if row.places else []

    # -------------------------------------------------------------------------------------------------------- asking

    def ask(self, question: str, heard: Heard) -> None:
        """Have every side answer a question, one after the other."""
        self.rows.append(Row(question))
        self.ask_again(heard)

    def ask_again(self, heard: Heard) -> None:
        """Have every side answer the last question, in place of its answer if it has one."""
        for side in range(len(self.sides)):
            if side and heard.stopping():
                return
            self._answer(side, heard)

    def ask_beside(self, heard: Heard) -> None:
        """Have the side that came last answer the last question, which the other one has answered."""
        self._answer(len(self.sides) - 1, heard)

    def _answer(self, side: int, heard: Heard) -> None:
        row, conversation = self.rows[-1], self.sides[side].conversation
        row.places += [None] * (len(self.sides) - len(row.places))
        again, row.error = row.places[side] is not None, ""
        assistant = self._opened(self.sides[side].who, heard.told)
        heard.told("looking up", 0, 0)
        before = conversation.copy(len(conversation.turns) - again).messages
        reply = assistant.stream([*before, {"role": "user", "content": row.question}])
        for piece in reply:
            heard.piece(side, piece)
            if heard.stopping():
                break
        try:
            conversation.add(row.question, reply.answer(), assistant.run, again=again)
        except (JournalError, OSError) as error:
            heard.trouble(error)
        row.places[side] = len(conversation.turns) - 1
        heard.answered(side, conversation.turns[-1])

    def _opened(self, who: Who, told: Told) -> Assistant:
        session = self._session
        artefact = session.artefact()
        stamp = (session.here.root, artefact.version if artefact else 0, index_fingerprint(session.here.index))
        if stamp != self._stamp:
            self._stamp, self._assistants = stamp, {}
        if who not in self._assistants:
            told("loading the model", 0, 0)
            recipe = recipe_of(session.here, session.host, who.run or None)
            base = (recipe.base, recipe.engine.model_dump_json())
            engine = self._engines.get(base)
            opened = open_assistant(session.here, None, session.host, who.rung or None, who.run or None, engine, told)
            self._hold(who, opened, base)
        return self._assistants[who]

    def _hold(self, who: Who, opened: Assistant, base: object) -> None:
        """Keep an assistant with its engine; what nobody answers with any more makes room, for bases are large."""
        wanted = {side.who for side in self.sides}
        self._assistants = {one: there for one, there in self._assistants.items() if one in wanted} | {who: opened}
        used = {id(assistant.engine) for assistant in self._assistants.values()}
        self._engines = {key: there for key, there in self._engines.items() if id(there) in used}
        self._engines[base] = opened.engine
