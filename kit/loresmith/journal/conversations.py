"""A conversation that goes on, and is kept turn by turn."""

from __future__ import annotations

import os
import secrets
import sqlite3
from dataclasses import replace

from loresmith.journal.database import open_journal
from loresmith.journal.finding import meant
from loresmith.journal.thumbs import take_back, thumb
from loresmith.journal.turns import Turn, copy_up_to, read_turns, remove_turn, write_turn
from loresmith.moments import now
from loresmith.project import Project
from loresmith.values import Answer, Message

TITLE = 80
"""Characters of the first question that name a conversation."""
HISTORY_VARIABLE = "LORESMITH_HISTORY"
"""Environment variable: `0` keeps no conversations, neither of the app nor of `loresmith chat`."""


def history_wanted() -> bool:
    """Return whether conversations are kept where nobody says otherwise."""
    return os.environ.get(HISTORY_VARIABLE, "") != "0"


class Conversation:
    """One conversation: its turns, and where in the journal they are.

    A turn whose answer is empty, because it was stopped before its first word, is neither kept nor shown to a model.

    Args:
        project: Where the journal is.
        kept: Whether it is kept.
    """

    def __init__(self, project: Project, *, kept: bool = True) -> None:
        self.project, self.kept = project, kept
        self.id = ""
        self.turns: list[Turn] = []

    @classmethod
    def open(cls, project: Project, name: str, *, kept: bool = True) -> Conversation:
        """Go on with a conversation.

        Args:
            project: Where the journal is.
            name: Its id, or the unique beginning of it.
            kept: Whether what is said from now on is kept.

        Raises:
            UsageError: If the name means none, or several.
            JournalError: If the journal cannot be used.
        """
        conversation = cls(project, kept=kept)
        with open_journal(project) as journal:
            conversation.id = meant(journal, name)
            conversation.turns = read_turns(journal, conversation.id)
        return conversation

    @property
    def messages(self) -> list[Message]:
        """The turns as a model reads them."""
        messages: list[Message] = []
        for turn in self.turns:
            if turn.answer.answer:
                messages.append({"role": "user", "content": turn.question})
                messages.append({"role": "assistant", "content": turn.answer.answer})
        return messages

    def copy(self, turns: int) -> Conversation:
        """Return a conversation of its own that begins with the first turns of this one."""
        other = Conversation(self.project, kept=self.kept)
        other.turns = [replace(turn, message=0, liked=None, correction="") for turn in self.turns[:turns]]
        return other

    def add(self, question: str, answer: Answer, run: str = "", *, again: bool = False) -> Turn:
        """Take a turn in, and keep it.

        Args:
            question: The question.
            answer: The answer.
            run: Id of the run that answered.
            again: It takes the place of the last turn. One that somebody judged is kept in a conversation of its own.

        Raises:
            JournalError, OSError: If it cannot be kept; the conversation has it all the same, and is kept no more.
        """
        replaced = self.turns.pop() if again and self.turns else None
        self.turns.append(Turn(question, answer, run))
        if self.kept and answer.answer:
            try:
                self._keep(replaced)
            except Exception:
                self.kept = False
                raise
        return self.turns[-1]

    def judge(self, place: int, *, liked: bool | None, correction: str = "") -> Turn:
        """Keep what somebody thinks of an answer; None takes it back.

        Args:
            place: Which turn.
            liked: Whether it is a good one.
            correction: What it should have been.

        Raises:
            UsageError: If the answer is not kept, or the correction corrects nothing.
            JournalError: If the journal cannot be used.
        """
        turn = self.turns[place]
        if liked is None:
            take_back(self.project, turn.message)
        else:
            thumb(self.project, turn.message, liked=liked, correction=correction)
        self.turns[place] = replace(turn, liked=liked, correction=correction.strip())
        return self.turns[place]

    def _keep(self, replaced: Turn | None) -> None:
        with open_journal(self.project) as journal:
            if replaced and replaced.message:
                self._give_way(journal, replaced)
            begun = self.id or _begun(journal, self.turns[0].question)
            numbers = [
                turn.message or (write_turn(journal, begun, turn) if turn.answer.answer else 0) for turn in self.turns
            ]
        # Only what is written for good has a number.
        self.id = begun
        self.turns = [replace(turn, message=number) for turn, number in zip(self.turns, numbers, strict=True)]

    def _give_way(self, journal: sqlite3.Connection, replaced: Turn) -> None:
        """Take a turn out of the journal; with a thumb, and so all that led to it, it is set aside."""
        if replaced.liked is not None:
            aside = _begun(journal, self.turns[0].question)
            copy = copy_up_to(journal, replaced.message, aside)
            journal.execute("UPDATE thumbs SET message = ? WHERE message = ?", (copy, replaced.message))
        remove_turn(journal, replaced.message)


def _begun(journal: sqlite3.Connection, question: str) -> str:
    """Begin a conversation in the journal and return its id."""
    title = " ".join(question.split()).encode("utf-8", "replace").decode()
    id_ = secrets.token_hex(4)
    journal.execute("INSERT INTO conversations VALUES (?, ?, ?)", (id_, now(), title[:TITLE]))
    return id_
