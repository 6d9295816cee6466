from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from loresmith.errors import JournalError
from loresmith.journal.database import VERSION, open_journal
from loresmith.project import Project


def _say(project: Project, text: str) -> None:
    with open_journal(project) as journal:
        journal.execute("INSERT OR IGNORE INTO conversations VALUES ('c', '2026-01-01', 'Fares')")
        journal.execute("INSERT INTO messages (conversation, at, role, text) VALUES ('c', 'now', 'user', ?)", (text,))


def _said(project: Project) -> list[str]:
    with open_journal(project) as journal:
        return [row["text"] for row in journal.execute("SELECT text FROM messages ORDER BY id")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_what_is_written_is_there_when_the_journal_is_opened_again(project: Project) -> None:
    _say(project, "one")
    _say(project, "two")
    assert _said(project) == ["one", "two"]


def _say_and_fail(journal: sqlite3.Connection) -> None:
    journal.execute("INSERT INTO messages (conversation, at, role, text) VALUES ('c', 'now', 'user', 'two')")
    raise ZeroDivisionError


def test_a_block_that_fails_leaves_nothing_behind(project: Project) -> None:
    _say(project, "one")
    with pytest.raises(ZeroDivisionError), open_journal(project) as journal:
        _say_and_fail(journal)
    assert _said(project) == ["one"]


@pytest.mark.parametrize("attempt", range(5))
def test_several_who_find_no_journal_and_write_at_once_lose_nothing(project: Project, attempt: int) -> None:
    together = threading.Barrier(16)

    def say(number: int) -> None:
        together.wait()
        _say(project, f"{number}")
        _said(project)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(say, range(16)))
    assert sorted(_said(project), key=int) == [str(number) for number in range(16)]


def test_what_a_stop_while_it_was_made_left_behind_is_no_hindrance(project: Project) -> None:
    project.state.mkdir(parents=True)
    project.journal.with_suffix(".new").write_bytes(b"half")
    project.journal.touch()
    _say(project, "one")
    assert _said(project) == ["one"]


def test_a_database_that_is_no_journal_is_refused(project: Project) -> None:
    project.state.mkdir(parents=True)
    with closing(sqlite3.connect(project.journal)) as other:
        other.execute("CREATE TABLE mine (a)")
    with pytest.raises(JournalError, match="not a journal"), open_journal(project):
        pass


def test_a_conversation_that_goes_takes_its_messages_and_thumbs_along(project: Project) -> None:
    _say(project, "one")
    with open_journal(project) as journal:
        journal.execute("INSERT INTO thumbs VALUES (1, 1, '', 'now')")
        journal.execute("DELETE FROM conversations")
        assert not journal.execute("SELECT count(*) FROM messages").fetchone()[0]
        assert not journal.execute("SELECT count(*) FROM thumbs").fetchone()[0]


def test_a_damaged_file_is_named_and_left_as_it_is(project: Project) -> None:
    project.state.mkdir(parents=True)
    project.journal.write_bytes(b"no database at all" * 100)
    with pytest.raises(JournalError, match=r"journal\.db") as caught, open_journal(project):
        pass
    assert "move it away" in str(caught.value)
    assert project.journal.read_bytes().startswith(b"no database")


def test_a_journal_of_a_newer_version_is_refused(project: Project) -> None:
    _say(project, "one")
    with closing(sqlite3.connect(project.journal)) as journal:
        journal.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(JournalError, match="newer"), open_journal(project):
        pass


def test_an_entry_that_cannot_be_is_a_mistake_of_the_caller_and_not_of_the_file(project: Project) -> None:
    with pytest.raises(sqlite3.IntegrityError), open_journal(project) as journal:
        journal.execute("INSERT INTO thumbs VALUES (99, 1, '', 'now')")
