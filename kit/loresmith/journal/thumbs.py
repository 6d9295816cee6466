"""Thumbs: whether an answer was liked, and what it should have been."""

from __future__ import annotations

from loresmith.errors import UsageError
from loresmith.journal.database import open_journal
from loresmith.moments import now
from loresmith.project import Project

ABSENT = ("this answer is not in the journal", "Thumbs are kept for answers that are kept.")


def thumb(project: Project, message: int, *, liked: bool, correction: str = "") -> None:
    """Keep what somebody thinks of an answer; a later thumb takes the place of an earlier one.

    Args:
        project: Where the journal is.
        message: Number of the answer's message.
        liked: Whether it is a good one.
        correction: What it should have been; only of an answer that is not liked.

    Raises:
        UsageError: If there is no such answer, or the correction corrects nothing.
        JournalError: If the journal cannot be used.
    """
    correction = correction.strip().encode("utf-8", "replace").decode()
    if not project.journal.exists():
        raise UsageError(*ABSENT)
    with open_journal(project) as journal:
        found = journal.execute("SELECT text FROM messages WHERE id = ? AND role = 'assistant'", (message,)).fetchone()
        if found is None:
            raise UsageError(*ABSENT)
        if correction and liked:
            raise UsageError("a thumb up has no correction", "Correct what you do not like: thumb down.")
        if correction and correction == found["text"].strip():
            raise UsageError("the correction says the same as the answer", "Change it, or leave it at the thumb.")
        journal.execute("INSERT OR REPLACE INTO thumbs VALUES (?, ?, ?, ?)", (message, liked, correction, now()))


def take_back(project: Project, message: int) -> None:
    """Take a thumb back; nothing to do where there is none."""
    if not project.journal.exists():
        return
    with open_journal(project) as journal:
        journal.execute("DELETE FROM thumbs WHERE message = ?", (message,))
