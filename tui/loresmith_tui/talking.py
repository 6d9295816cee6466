"""A conversation with the assistant: what was said, and what is loaded to go on. Knows no screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loresmith.assistant.assistant import Assistant
from loresmith.assistant.open import open_assistant
from loresmith.values import Answer, Message
from loresmith_tui.session import Session

Told = Callable[[str, int, int], None]
"""Called with (what is going on, done, total)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer."""

    question: str
    answer: Answer


class Talk:
    """One conversation; what takes long is to be called from a thread, one call at a time.

    Args:
        session: Where the assistant comes from.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.project = session.project
        self._assistant: Assistant | None = None
        self._of: object = None
        self.rung: str | None = None
        self.turns: list[Turn] = []

    @property
    def assistant(self) -> Assistant | None:
        """What answers, once it is loaded."""
        return self._assistant

    @property
    def conversation(self) -> list[Message]:
        """The turns as messages; one whose answer is empty leaves none."""
        messages: list[Message] = []
        for turn in self.turns:
            if turn.answer.answer:
                messages.append({"role": "user", "content": turn.question})
                messages.append({"role": "assistant", "content": turn.answer.answer})
        return messages

    def forget(self) -> None:
        """Begin a new conversation."""
        self.turns = []

    def choose(self, rung: str) -> None:
        """Answer the way of another rung from now on."""
        self.rung = rung

    def ask(
        self,
        question: str,
        piece: Callable[[str], None],
        stopping: Callable[[], bool],
        told: Told,
        *,
        again: bool = False,
    ) -> Turn:
        """Answer a question.

        Args:
            question: The question.
            piece: Given each piece of the reply as it comes; empty ones while it is held back to be checked.
            stopping: Whether to stop; the reply is then kept as far as it came.
            told: Told how far a model is loaded.
            again: In place of the last turn.
        """
        assistant = self._opened(told)
        if again and self.turns:
            self.turns.pop()
        told("looking up", 0, 0)
        reply = assistant.stream([*self.conversation, {"role": "user", "content": question}])
        for each in reply:
            piece(each)
            if stopping():
                break
        turn = Turn(question, reply.answer())
        self.turns.append(turn)
        return turn

    def _opened(self, told: Told) -> Assistant:
        session = self._session
        artefact = session.artefact()
        wanted = (session.here.root, self.rung, artefact.version if artefact else 0)
        if self._assistant is None or self._of != wanted:
            told("loading the model", 0, 0)
            same = isinstance(self._of, tuple) and (self._of[0], self._of[2]) == (wanted[0], wanted[2])
            engine = self._assistant.engine if self._assistant and same else None
            self._assistant = open_assistant(session.here, None, session.host, self.rung, None, engine, told)
            self._of = wanted
        return self._assistant
