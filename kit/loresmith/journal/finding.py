"""Finds conversations again: the latest ones, those in which something was said, and the one that an id means."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from loresmith.errors import UsageError
from loresmith.journal.database import open_journal
from loresmith.project import Project

MOST = 200
"""Conversations that are listed at once."""
AROUND = 60
"""Characters that are shown before and behind a word that was found."""

_LISTED = """
SELECT conversations.id, started, title, max(at) AS latest, sum(role = 'user') AS turns,
       group_concat(DISTINCT nullif(rung, '')) AS rungs
FROM conversations JOIN messages ON conversation = conversations.id {where}
GROUP BY conversations.id ORDER BY latest DESC, conversations.id LIMIT ?
"""
_SAYS = "EXISTS (SELECT 1 FROM messages AS said WHERE said.conversation = conversations.id AND says(said.text, ?))"


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation in a list.

    Args:
        id: Its id.
        started: When it began (UTC).
        latest: When the last thing was said (UTC).
        title: How it began.
        turns: How many turns it has.
        rungs: The rungs that answered.
        found: Where what was searched for is said.
    """

    id: str
    started: str
    latest: str
    title: str
    turns: int
    rungs: str
    found: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `/history` prints with `--json`."""
        return asdict(self)


def listed(project: Project, words: str = "") -> list[Listed]:
    """Return the conversations in which all of some words are said, the one last spoken in first; at most 200.

    Raises:
        JournalError: If the journal cannot be used.
    """
    if not project.journal.exists():
        return []
    wanted = words.casefold().split()
    with open_journal(project) as journal:
        journal.create_function("says", 2, _says, deterministic=True)
        where = "WHERE " + " AND ".join([_SAYS] * len(wanted)) if wanted else ""
        rows = journal.execute(_LISTED.format(where=where), (*wanted, MOST)).fetchall()
        return [
            Listed(
                row["id"],
                row["started"],
                row["latest"],
                row["title"],
                row["turns"],
                row["rungs"] or "",
                _found(journal, row["id"], wanted[0]) if wanted else "",
            )
            for row in rows
        ]


def meant(journal: sqlite3.Connection, name: str) -> str:
    """Return the id of the conversation that a whole id or the unique beginning of one means.

    Raises:
        UsageError: If it means none, or several.
    """
    there = [row["id"] for row in journal.execute("SELECT id FROM conversations ORDER BY started DESC")]
    found = [id_ for id_ in there if id_.startswith(name)] if name else []
    if len(found) == 1 or name in found:
        return name if name in found else found[0]
    if found:
        raise UsageError(f'"{name}" is the beginning of {len(found)} conversations', f"Which of {', '.join(found)}?")
    raise UsageError(f'no conversation "{name}"', _hint(name, there))


def _hint(name: str, there: Sequence[str]) -> str:
    if not there:
        return "None is kept yet in this project."
    near = get_close_matches(name, there, n=1)
    return (f'Did you mean "{near[0]}"? ' if near else "") + f"The latest: {', '.join(there[:5])}. All: /history."


def _found(journal: sqlite3.Connection, conversation: str, word: str) -> str:
    row = journal.execute(
        "SELECT text FROM messages WHERE conversation = ? AND says(text, ?) ORDER BY id LIMIT 1", (conversation, word)
    ).fetchone()
    text = " ".join(str(row["text"]).split())
    at = text.casefold().find(word)
    start, end = max(0, at - AROUND), at + len(word) + AROUND
    return f"{'…' if start else ''}{text[start:end].strip()}{'…' if end < len(text) else ''}"


def _says(text: str, word: str) -> bool:
    # SQLite's own LIKE folds the case of ASCII alone.
    return word in text.casefold()
