from __future__ import annotations

from collections.abc import Callable

import pytest

from loresmith.errors import JournalError, UsageError
from loresmith.journal.conversations import Conversation
from loresmith.journal.database import open_journal
from loresmith.journal.finding import listed
from loresmith.project import Project
from loresmith.values import Answer

Say = Callable[..., Answer]


def test_a_conversation_is_opened_again_as_it_was_said_and_goes_on(project: Project, say: Say) -> None:
    first = Conversation(project)
    first.add("How much is a\nreturn?", say("It costs 7 [1]."), "run-1")
    first.judge(0, liked=False, correction="It costs 7 crowns [1].")
    again = Conversation.open(project, first.id[:4])
    (turn,) = again.turns
    assert (turn.question, turn.run, turn.answer.rung) == ("How much is a\nreturn?", "run-1", "rag")
    assert turn.answer.citations == first.turns[0].answer.citations
    assert turn.answer.trace == first.turns[0].answer.trace
    assert (turn.liked, turn.correction) == (False, "It costs 7 crowns [1].")
    again.add("And a child?", say("Free."))
    assert [message["content"] for message in again.messages][::2] == ["How much is a\nreturn?", "And a child?"]
    assert [(each.id, each.title, each.turns) for each in listed(project)] == [(first.id, "How much is a return?", 2)]


def test_what_is_not_to_be_kept_leaves_nothing_behind(project: Project, say: Say) -> None:
    secret = Conversation(project, kept=False)
    secret.add("my name is Ada", say("Hello."))
    assert len(secret.turns) == 1
    assert listed(project) == []
    assert not project.journal.exists()
    with pytest.raises(UsageError, match="not in the journal"):
        secret.judge(0, liked=True)


def test_an_answer_without_a_word_is_neither_kept_nor_read_by_a_model(project: Project, say: Say) -> None:
    talk = Conversation(project)
    talk.add("stopped", say(""))
    talk.add("fares?", say("7."))
    assert len(talk.turns) == 2
    assert [turn.question for turn in Conversation.open(project, talk.id).turns] == ["fares?"]
    assert len(talk.messages) == 2


def test_an_answer_given_again_takes_the_place_of_the_last_one(project: Project, say: Say) -> None:
    talk = Conversation(project)
    talk.add("dogs?", say("Yes."))
    talk.add("cats?", say("No."))
    talk.add("cats?", say("In a basket."), again=True)
    answers = [turn.answer.answer for turn in Conversation.open(project, talk.id).turns]
    assert answers == [turn.answer.answer for turn in talk.turns] == ["Yes.", "In a basket."]
    assert len(listed(project)) == 1


def test_a_judged_answer_that_gives_way_is_set_aside_with_all_that_led_to_it(project: Project, say: Say) -> None:
    talk = Conversation(project)
    talk.add("dogs?", say("Yes."))
    talk.add("cats?", say("No."))
    talk.judge(1, liked=False)
    talk.add("cats?", say("In a basket."), again=True)
    assert [turn.liked for turn in Conversation.open(project, talk.id).turns] == [None, None]
    aside = next(each.id for each in listed(project) if each.id != talk.id)
    kept = Conversation.open(project, aside).turns
    assert [(turn.answer.answer, turn.liked) for turn in kept] == [("Yes.", None), ("No.", False)]


def test_a_copy_goes_its_own_way_and_has_no_thumbs(project: Project, say: Say) -> None:
    talk = Conversation(project)
    talk.add("dogs?", say("Yes."))
    talk.judge(0, liked=True)
    talk.add("cats?", say("No."))
    beside = talk.copy(1)
    beside.add("cats?", say("Yes.", rung="hybrid"))
    kept = Conversation.open(project, beside.id).turns
    assert [(turn.answer.answer, turn.liked) for turn in kept] == [("Yes.", None), ("Yes.", None)]
    assert len(Conversation.open(project, talk.id).turns) == 2


def test_a_conversation_that_cannot_be_kept_goes_on_all_the_same(project: Project, say: Say) -> None:
    talk = Conversation(project)
    project.state.mkdir()
    project.journal.write_bytes(b"this is no database, and never was one" * 100)
    with pytest.raises(JournalError, match="move it away"):
        talk.add("dogs?", say("Yes."))
    talk.add("cats?", say("No."))
    assert [turn.message for turn in talk.turns] == [0, 0]
    assert len(talk.messages) == 4


def test_half_a_surrogate_pair_does_not_stop_the_journal(project: Project, say: Say) -> None:
    talk = Conversation(project)
    talk.add("dogs \ud83d?", say("Yes \udc00."))
    assert Conversation.open(project, talk.id).turns[0].question == "dogs ??"


@pytest.mark.parametrize(
    ("words", "found"), [("", 3), ("basket", 1), ("CATS basket", 1), ("straße", 1), ("dogs basket", 0), ("100%", 0)]
)
def test_all_words_must_be_said_somewhere_in_a_conversation(project: Project, say: Say, words: str, found: int) -> None:
    for question, answer in (("dogs?", "Yes."), ("cats?", "In a basket."), ("Straße?", "1000 m")):
        Conversation(project).add(question, say(answer))
    assert len(listed(project, words)) == found


def test_the_place_where_a_word_is_said_is_shown(project: Project, say: Say) -> None:
    talk = Conversation(project)
    talk.add("cats?", say("Well. " * 40 + "They sit in a Basket on the deck. " + "So it is. " * 40))
    (each,) = listed(project, "basket")
    assert "sit in a Basket on the deck" in each.found
    assert each.found.startswith("…")
    assert each.found.endswith("…")


def test_an_id_that_means_none_or_several_is_refused_with_those_there_are(project: Project, say: Say) -> None:
    with pytest.raises(UsageError, match="None is kept yet"):
        Conversation.open(project, "abc")
    ids = []
    for question in ("dogs?", "cats?"):
        talk = Conversation(project)
        talk.add(question, say("Yes."))
        ids.append(talk.id)
    with pytest.raises(UsageError, match=f'Did you mean "{ids[0]}"'):
        Conversation.open(project, ids[0][:-1] + "zz")
    with open_journal(project) as journal:
        journal.execute("PRAGMA foreign_keys = OFF")
        journal.executemany("UPDATE conversations SET id = ? WHERE id = ?", [("aa01", ids[0]), ("aa02", ids[1])])
    with pytest.raises(UsageError, match="beginning of 2"):
        Conversation.open(project, "aa")
