from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loresmith.journal.judgements import Counts, DrawnReply, Judgements, Task
from loresmith.project import Project


@pytest.fixture
def judgements(tmp_path: Path) -> Judgements:
    return Judgements(Project(tmp_path))


def add(judgements: Judgements, key: str, *replies: str) -> None:
    judgements.add(
        key, [{"role": "user", "content": f"{key}?"}], [DrawnReply(text, "r1", "tuned", 0.8) for text in replies]
    )


def asked(task: Task | None) -> str:
    assert task
    return task.prompt[0]["content"]


def test_tasks_are_judged_in_their_order_and_a_new_sitting_goes_on_there(
    judgements: Judgements, tmp_path: Path
) -> None:
    add(judgements, "a", "one", "two")
    add(judgements, "b", "three", "four", "five")
    first = judgements.next()
    assert first
    assert [reply.text for reply in first.replies] == ["one", "two"]
    judgements.judge(first, (2, 1))
    again = Judgements(Project(tmp_path))
    second = again.next()
    assert second
    assert asked(second) == "b?"
    again.judge(second, None)
    assert (again.next(), again.counts()) == (None, Counts(waiting=0, ranked=1, skipped=1))
    assert [judgement.ranking for judgement in again.judged()] == [(2, 1), None]


def test_a_key_is_kept_once_and_replies_that_are_alike_wait_for_nobody(judgements: Judgements) -> None:
    add(judgements, "a", "one", "two")
    add(judgements, "a", "three", "four")
    add(judgements, "b", "the only one")
    add(judgements, "c")
    assert judgements.keys() == {"a", "b", "c"}
    assert judgements.counts().waiting == 1
    task = judgements.next()
    assert task
    assert task.replies[0].text == "one"


def test_undo_takes_the_latest_judgement_back_and_then_the_one_before(judgements: Judgements) -> None:
    for key in "ab":
        add(judgements, key, "one", "two")
    for ranking in ((1, 2), (2, 1)):
        task = judgements.next()
        assert task
        judgements.judge(task, ranking)
    assert asked(judgements.undo()) == "b?"
    assert asked(judgements.undo()) == "a?"
    assert (judgements.undo(), judgements.counts().waiting) == (None, 2)


def test_drawing_and_judging_go_on_at_the_same_time(judgements: Judgements) -> None:
    with ThreadPoolExecutor(12) as pool:
        drawn = [pool.submit(add, judgements, f"{number}", "one", "two") for number in range(12)]
        while not all(one.done() for one in drawn) or judgements.counts().waiting:
            if task := judgements.next():
                judgements.judge(task, (1, 1))
    for one in drawn:
        one.result()
    assert judgements.counts() == Counts(waiting=0, ranked=12, skipped=0)
