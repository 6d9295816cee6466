"""Turns as the journal keeps them: two messages each, the answer with its citations and its trace."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from loresmith.moments import now
from loresmith.values import Answer, Citation, Trace

V = TypeVar("V", Citation, Trace)

_COLUMNS = "at, role, text, run, rung, refused, citations, trace"
_ANSWERS = """
SELECT messages.*, thumbs.liked, thumbs.correction FROM messages LEFT JOIN thumbs ON thumbs.message = messages.id
WHERE conversation = ? ORDER BY messages.id
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer.

    Args:
        question: The question.
        answer: The answer.
        run: Id of the run that answered; empty before anything is built.
        message: Number of the answer's message in the journal; 0 where it is not kept.
        liked: What the thumb says; None without one.
        correction: What the answer should have been, where somebody said so.
    """

    question: str
    answer: Answer
    run: str = ""
    message: int = 0
    liked: bool | None = None
    correction: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `chat --json` prints of a turn of an opened conversation."""
        judged = {"liked": self.liked, "correction": self.correction}
        return {"question": self.question, **self.answer.to_json(), "run": self.run, "message": self.message, **judged}


def write_turn(journal: sqlite3.Connection, conversation: str, turn: Turn) -> int:
    """Write the two messages of a turn behind those of a conversation; return the number of the answer's."""
    answer = turn.answer
    citations = json.dumps([asdict(citation) for citation in answer.citations])
    written = 0
    for row in (
        (now(), "user", turn.question, "", "", 0, "[]", "{}"),
        (now(), "assistant", answer.answer, turn.run, answer.rung, answer.refused, citations, _dumped(answer.trace)),
    ):
        values = (conversation, *(_storable(value) for value in row))
        marks = ", ".join("?" * len(values))
        cursor = journal.execute(f"INSERT INTO messages (conversation, {_COLUMNS}) VALUES ({marks})", values)
        written = cursor.lastrowid or 0
    return written


def read_turns(journal: sqlite3.Connection, conversation: str) -> list[Turn]:
    """Read the turns of a conversation, in their order, each with its thumb."""
    return list(_turns(journal.execute(_ANSWERS, (conversation,))))


def copy_up_to(journal: sqlite3.Connection, message: int, conversation: str) -> int:
    """Copy the messages of a conversation up to one of them into another; return the number of the last copy."""
    return (
        journal.execute(
            f"INSERT INTO messages (conversation, {_COLUMNS}) SELECT ?, {_COLUMNS} FROM messages WHERE id <= ? "
            "AND conversation = (SELECT conversation FROM messages WHERE id = ?) ORDER BY id",
            (conversation, message, message),
        ).lastrowid
        or 0
    )


def remove_turn(journal: sqlite3.Connection, message: int) -> None:
    """Remove the turn whose answer is a message."""
    journal.execute(
        "DELETE FROM messages WHERE id = :answer OR id = (SELECT max(id) FROM messages WHERE role = 'user' "
        "AND id < :answer AND conversation = (SELECT conversation FROM messages WHERE id = :answer))",
        {"answer": message},
    )


def _turns(rows: Iterable[sqlite3.Row]) -> Iterable[Turn]:
    question = ""
    for row in rows:
        if row["role"] == "user":
            question = row["text"]
        elif row["role"] == "assistant":
            liked = None if row["liked"] is None else bool(row["liked"])
            yield Turn(question, _answer(row), row["run"], row["id"], liked, row["correction"] or "")


def _answer(row: sqlite3.Row) -> Answer:
    citations = [_read(Citation, citation) for citation in json.loads(row["citations"])]
    trace = _read(Trace, json.loads(row["trace"]))
    return Answer(row["text"], citations, bool(row["refused"]), row["rung"], trace)


def _read(kind: type[V], value: Mapping[str, Any]) -> V:
    """Return a value as it was kept; what a newer version kept beside is passed over."""
    known = {field.name for field in fields(kind)}
    return kind(**{name: entry for name, entry in value.items() if name in known})


def _dumped(trace: Trace) -> str:
    return json.dumps(asdict(trace), default=str)


def _storable(value: str | int | bool) -> str | int:
    # Half a surrogate pair, as a damaged file or a keyboard may give it, cannot be stored as text.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else int(value)
