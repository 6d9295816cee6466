"""The journal's file: opened by several processes at a time, brought up to the present tables, never thrown away."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from loresmith.errors import JournalError
from loresmith.project import Project

VERSION = 1
"""Of the tables; kept in the file as SQLite's `user_version`."""
PATIENCE = 10.0
"""Seconds to wait for another process that writes."""
_TABLES = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, started TEXT NOT NULL, title TEXT NOT NULL);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, conversation TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE, at TEXT NOT NULL,
    role TEXT NOT NULL, text TEXT NOT NULL, run TEXT NOT NULL DEFAULT '', rung TEXT NOT NULL DEFAULT '',
    refused INTEGER NOT NULL DEFAULT 0, citations TEXT NOT NULL DEFAULT '[]', trace TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX messages_of ON messages (conversation, id);
CREATE TABLE thumbs (
    message INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE, liked INTEGER NOT NULL,
    correction TEXT NOT NULL DEFAULT '', at TEXT NOT NULL
);
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, prompt TEXT NOT NULL, replies TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE judgements (task INTEGER PRIMARY KEY REFERENCES tasks ON DELETE CASCADE, ranking TEXT, at TEXT NOT NULL);
"""


@contextmanager
def open_journal(project: Project) -> Iterator[sqlite3.Connection]:
    """Give a connection to the journal, made if it is not there; what was done is kept if the block ends well.

    A connection belongs to the thread that opened it. Rows are read by name or by number (`sqlite3.Row`).

    Raises:
        JournalError: If the file is damaged, of a newer version, or held by another process for too long.
    """
    project.state.mkdir(parents=True, exist_ok=True)
    try:
        _make_if_missing(project)
        with closing(sqlite3.connect(project.journal, timeout=PATIENCE)) as connection, connection:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            _check_version(connection, project)
            yield connection
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        raise JournalError(
            f'the journal of this project, "{project.journal}", cannot be used: {error}',
            "If another command is at work, wait for it. If the file is damaged, move it away: a new one is begun, "
            "and `sqlite3 FILE .recover` can read what is left of the old one.",
        ) from error


def _make_if_missing(project: Project) -> None:
    """Make the journal beside its place and move it there, so that it is there whole or not at all.

    Switching a file that others have open to a write-ahead log fails at once instead of waiting, hence not in place.
    """
    if _begun(project):
        return
    from filelock import FileLock

    with FileLock(project.journal.with_suffix(".lock")):
        if _begun(project):
            return
        made = project.journal.with_suffix(".new")
        made.unlink(missing_ok=True)
        with closing(sqlite3.connect(made)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        made.replace(project.journal)


def _begun(project: Project) -> bool:
    return project.journal.exists() and project.journal.stat().st_size > 0


def _check_version(connection: sqlite3.Connection, project: Project) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise JournalError(
            f'the journal "{project.journal}" was written by a newer Loresmith (tables {version}, known {VERSION})',
            "Use that version, or move the file away to begin a new one.",
        )
    if version < VERSION:
        raise JournalError(
            f'"{project.journal}" is a database, but not a journal of Loresmith',
            "Move the file away: a new one is begun.",
        )
