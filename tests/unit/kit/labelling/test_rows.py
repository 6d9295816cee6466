from __future__ import annotations

from typing import Any

import pytest

from fake_parts import FARES, chunk
from loresmith.assistant.prompt import assemble
from loresmith.journal.conversations import Conversation
from loresmith.journal.judgements import DrawnReply, Judgements
from loresmith.labelling.rows import WRITER, pair_rows, thumb_rows, thumbs
from loresmith.project import Project
from loresmith.values import Answer, Message, Trace

HISTORY: list[Message] = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."}]


def judged(project: Project, key: str, ranking: tuple[int, ...] | None, *texts: str) -> None:
    judgements = Judgements(project)
    judgements.add(key, [{"role": "user", "content": key}], [DrawnReply(text) for text in texts])
    task = judgements.next()
    assert task
    judgements.judge(task, ranking)


def bare(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != WRITER} for row in rows]


def test_every_pair_of_unlike_ranks_is_a_row_and_ties_and_skipped_ones_are_none(project: Project) -> None:
    judged(project, "Dogs?", (2, 1, 2), "No.", "On a lead.", "Maybe.")
    judged(project, "Cats?", (1, 1), "Yes.", "No.")
    judged(project, "Mice?", None, "Yes.", "No.")
    assert bare(pair_rows(project)) == [
        {"prompt": "Dogs?", "chosen": "On a lead.", "rejected": "No."},
        {"prompt": "Dogs?", "chosen": "On a lead.", "rejected": "Maybe."},
    ]


def test_sides_that_equal_each_other_never_become_a_pair_and_a_pair_is_there_once(project: Project) -> None:
    judged(project, "Dogs?", (1, 2, 3, 4), "Yes.", " Yes. ", "No.", "\0")
    assert bare(pair_rows(project)) == [{"prompt": "Dogs?", "chosen": "Yes.", "rejected": "No."}]


def test_a_thumb_is_a_judged_reply_and_a_correction_a_pair(project: Project) -> None:
    talk = Conversation(project)
    for question, reply in (("Hello", "Hi."), ("Dogs?", "No."), ("Cats?", "Yes.")):
        trace = Trace(
            question=question, prompt=assemble("Be brief.", [*talk.messages, {"role": "user", "content": question}])
        )
        talk.add(question, Answer(reply, [], False, "tuned", trace), "r1")
    talk.judge(0, liked=True)
    talk.judge(1, liked=False, correction="On a lead.")
    talk.judge(2, liked=False)
    before = [*HISTORY, {"role": "user", "content": "Dogs?"}]
    assert bare(pair_rows(project)) == [{"prompt": before, "chosen": "On a lead.", "rejected": "No."}]
    assert bare(thumb_rows(project)) == [
        {"prompt": "Hello", "reply": "Hi.", "liked": True},
        {
            "prompt": [*before, {"role": "assistant", "content": "No."}, {"role": "user", "content": "Cats?"}],
            "reply": "Yes.",
            "liked": False,
        },
    ]


@pytest.mark.parametrize(("rung", "first"), [("rag", "the passages"), ("few-shot", "nothing shown")])
def test_the_prompt_of_a_thumb_is_what_was_read_without_demonstrations(project: Project, rung: str, first: str) -> None:
    question: Message = {"role": "user", "content": "What is the fare?"}
    prompt = assemble("Be brief.", [question], [chunk(FARES)] if rung == "rag" else ())
    if rung == "few-shot":
        prompt[1:1] = HISTORY
    talk = Conversation(project)
    talk.add("What is the fare?", Answer("9.40", [], False, rung, Trace(prompt=prompt)))
    talk.judge(0, liked=True)
    [row] = thumb_rows(project)
    assert row["prompt"] == (prompt[-1]["content"] if rung == "rag" else "What is the fare?"), first


def test_what_was_declined_without_the_model_has_its_question_for_a_prompt(project: Project) -> None:
    talk = Conversation(project)
    talk.add("Wifi?", Answer("It does not say.", [], True, "rag", Trace(question="Wifi?", refused="below the floor")))
    talk.judge(0, liked=False)
    assert thumb_rows(project)[0]["prompt"] == "Wifi?"


def test_without_a_journal_there_is_nothing_and_none_is_made(project: Project) -> None:
    assert (pair_rows(project), thumb_rows(project), thumbs(project)) == ([], [], [])
    assert not project.journal.exists()
