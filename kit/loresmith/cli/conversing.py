"""What was said in `loresmith chat`: kept, judged, and found again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from loresmith.cli.common import Session
from loresmith.cli.errors import plain
from loresmith.errors import JournalError, UsageError
from loresmith.journal.conversations import Conversation
from loresmith.journal.finding import Listed, listed
from loresmith.journal.turns import Turn
from loresmith.moments import shown
from loresmith.project import Project
from loresmith.values import Answer, Message


class Conversing:
    """The conversation that goes on.

    Args:
        session: Shared options of the command.
        project: Where the journal is.
        kept: Whether conversations are kept.
    """

    def __init__(self, session: Session, project: Project, *, kept: bool) -> None:
        self._session, self._project, self._kept = session, project, kept
        self._conversation = Conversation(project, kept=kept)

    @property
    def messages(self) -> list[Message]:
        """What was said, as a model reads it."""
        return self._conversation.messages

    @property
    def last(self) -> Turn | None:
        """The last turn, if there is one."""
        return self._conversation.turns[-1] if self._conversation.turns else None

    def add(self, question: str, answer: Answer, run: str) -> None:
        """Take a turn in; where it cannot be kept, say so and go on."""
        try:
            self._conversation.add(question, answer, run)
        except (JournalError, OSError) as error:
            self._session.note(plain(f"note: this conversation is kept no more: {error}"))

    def up(self, _argument: str) -> None:
        """Say that the last answer is a good one."""
        self._judge(liked=True)

    def down(self, correction: str) -> None:
        """Say that it is not, and what it should have been."""
        self._judge(liked=False, correction=correction)

    def history(self, words: str) -> None:
        """List what is kept."""
        found = listed(self._project, words)
        self._tell({"conversations": [each.to_json() for each in found]}, _listing(found, words))

    def open(self, name: str) -> None:
        """Go on with a conversation."""
        if not name:
            raise UsageError("which conversation?", "Name its id, as /history lists it: /open ID.")
        self._conversation = Conversation.open(self._project, name, kept=self._kept)
        turns = self._conversation.turns
        value = {"conversation": self._conversation.id, "turns": [turn.to_json() for turn in turns]}
        self._tell(value, "\n".join(f"> {turn.question}\n{turn.answer.answer}{_thumb(turn)}" for turn in turns))

    def reset(self, _argument: str) -> None:
        """Begin a new conversation."""
        self._conversation = Conversation(self._project, kept=self._kept)
        self._session.note("a new conversation")

    def _judge(self, *, liked: bool, correction: str = "") -> None:
        if self.last is None:
            raise UsageError("nothing has been answered yet", "Ask something first.")
        turn = self._conversation.judge(-1, liked=liked, correction=correction)
        value = {"message": turn.message, "liked": liked, "correction": turn.correction}
        self._tell(value, f"kept: {_thumb(turn).strip()}")

    def _tell(self, value: Any, text: str) -> None:
        if self._session.json:
            print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)
        else:
            self._session.note(plain(text))


def _thumb(turn: Turn) -> str:
    if turn.liked is None:
        return ""
    said = "up" if turn.liked else "down"
    return f"\n(thumb {said}{f', should be: {turn.correction}' if turn.correction else ''})"


def _listing(found: Sequence[Listed], words: str) -> str:
    if not found:
        return f'nothing is kept in which "{words}" is said' if words else "nothing is kept yet"
    return "\n".join(_line(each) for each in found)


def _line(each: Listed) -> str:
    turns = f"{each.turns} turn{'' if each.turns == 1 else 's'}"
    line = f"{each.id}  {shown(each.latest)}  {turns}  {each.rungs}  {each.title}"
    return f"{line}\n          {each.found}" if each.found else line
