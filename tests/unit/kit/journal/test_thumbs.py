from __future__ import annotations

from collections.abc import Callable

import pytest

from loresmith.errors import UsageError
from loresmith.journal.conversations import Conversation
from loresmith.journal.database import open_journal
from loresmith.journal.thumbs import thumb
from loresmith.project import Project
from loresmith.values import Answer


@pytest.fixture
def talk(project: Project, say: Callable[..., Answer]) -> Conversation:
    talk = Conversation(project)
    talk.add("dogs?", say("Yes."))
    return talk


def rows(project: Project) -> list[tuple[int, int, str]]:
    with open_journal(project) as journal:
        return [tuple(row) for row in journal.execute("SELECT message, liked, correction FROM thumbs")]


def test_a_later_thumb_takes_the_place_of_an_earlier_one_and_can_be_taken_back(
    project: Project, talk: Conversation
) -> None:
    message = talk.turns[0].message
    talk.judge(0, liked=True)
    assert rows(project) == [(message, 1, "")]
    talk.judge(0, liked=False, correction=" On the open deck. ")
    assert rows(project) == [(message, 0, "On the open deck.")]
    talk.judge(0, liked=None)
    assert rows(project) == []
    assert talk.turns[0].liked is None


def test_a_correction_must_correct_something(project: Project, talk: Conversation) -> None:
    with pytest.raises(UsageError, match="says the same"):
        talk.judge(0, liked=False, correction="Yes.\n")
    with pytest.raises(UsageError, match="thumb up has no correction"):
        talk.judge(0, liked=True, correction="No.")
    assert rows(project) == []


def test_only_answers_of_the_journal_have_thumbs(project: Project, talk: Conversation) -> None:
    for message in (0, 99, talk.turns[0].message - 1):
        with pytest.raises(UsageError, match="not in the journal"):
            thumb(project, message, liked=True)
