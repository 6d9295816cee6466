"""The journal's tasks and judgements: replies drawn to one prompt, and how a person ranks them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from sqlite3 import Row
from typing import Any

from loresmith.journal.database import open_journal
from loresmith.moments import now
from loresmith.project import Project
from loresmith.values import Message

_OPEN = "json_array_length(replies) > 1 AND id NOT IN (SELECT task FROM judgements)"
"""Whether a task waits for its judgement; where all replies were alike, there is nothing to judge."""


@dataclass(frozen=True, slots=True)
class DrawnReply:
    """A reply that was drawn. `whole` is False where it ran out of tokens."""

    text: str
    run: str = ""
    rung: str = ""
    temperature: float = 0.0
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """Replies that were drawn to one prompt, in the order they were drawn."""

    id: int
    prompt: tuple[Message, ...]
    replies: tuple[DrawnReply, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a person ranks the replies of a task: the rank of each, 1 is best, equal ranks are ties; None is skipped."""

    task: Task
    ranking: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tasks wait, were ranked, and were skipped."""

    waiting: int
    ranked: int
    skipped: int


class Judgements:
    """The tasks of a project. May be used from any thread.

    Args:
        project: The project.
    """

    def __init__(self, project: Project) -> None:
        self._project = project

    def keys(self) -> set[str]:
        """Return the keys of all tasks, whatever became of them."""
        with open_journal(self._project) as journal:
            return {row["key"] for row in journal.execute("SELECT key FROM tasks")}

    def add(self, key: str, prompt: Sequence[Message], replies: Sequence[DrawnReply]) -> None:
        """Keep a task; one whose key is there already stays as it is."""
        with open_journal(self._project) as journal:
            journal.execute(
                "INSERT OR IGNORE INTO tasks (key, prompt, replies, at) VALUES (?, ?, ?, ?)",
                (key, _json(list(prompt)), _json([asdict(reply) for reply in replies]), now()),
            )

    def next(self) -> Task | None:
        """Return the task that waits longest, or None."""
        with open_journal(self._project) as journal:
            row = journal.execute(f"SELECT * FROM tasks WHERE {_OPEN} ORDER BY id LIMIT 1").fetchone()
        return _task(row) if row else None

    def judge(self, task: Task, ranking: Sequence[int] | None) -> None:
        """Keep a judgement, in the place of an earlier one of the same task."""
        kept = None if ranking is None else _json(list(ranking))
        with open_journal(self._project) as journal:
            journal.execute("INSERT OR REPLACE INTO judgements VALUES (?, ?, ?)", (task.id, kept, now()))

    def undo(self) -> Task | None:
        """Take the latest judgement back and return its task, which waits again; None if there is none."""
        with open_journal(self._project) as journal:
            row = journal.execute(
                "SELECT tasks.* FROM tasks JOIN judgements ON task = tasks.id ORDER BY judgements.at DESC LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            journal.execute("DELETE FROM judgements WHERE task = ?", (row["id"],))
        return _task(row)

    def counts(self) -> Counts:
        """Return how far the person is."""
        with open_journal(self._project) as journal:
            waiting = journal.execute(f"SELECT count(*) FROM tasks WHERE {_OPEN}").fetchone()[0]
            judged, ranked = journal.execute("SELECT count(*), count(ranking) FROM judgements").fetchone()
        return Counts(waiting, ranked, judged - ranked)

    def judged(self) -> list[Judgement]:
        """Return all judgements, in the order of their tasks."""
        with open_journal(self._project) as journal:
            rows = journal.execute("SELECT * FROM tasks JOIN judgements ON task = tasks.id ORDER BY tasks.id")
            return [Judgement(_task(row), _ranking(row["ranking"])) for row in rows]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _task(row: Row) -> Task:
    replies = tuple(DrawnReply(**reply) for reply in json.loads(row["replies"]))
    return Task(row["id"], tuple(json.loads(row["prompt"])), replies)


def _ranking(kept: str | None) -> tuple[int, ...] | None:
    return None if kept is None else tuple(json.loads(kept))
