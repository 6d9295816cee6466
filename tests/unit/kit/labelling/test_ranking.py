from __future__ import annotations

from typing import Any

import pytest

from fake_parts import FARES, chunk
from loresmith.assistant.prompt import with_passages
from loresmith.journal.judgements import DrawnReply, Task
from loresmith.labelling.ranking import Ranking, asked_text, shown_order


def task(count: int, number: int = 1) -> Task:
    return Task(number, ({"role": "user", "content": "?"},), tuple(DrawnReply(f"reply {n}") for n in range(count)))


def pressed(ranking: Ranking, keys: str) -> Ranking:
    for key in keys:
        match key:
            case "=":
                ranking.tie()
            case "\n":
                ranking.rest()
            case "u":
                ranking.undo()
            case _:
                ranking.pick(int(key) - 1)
    return ranking


@pytest.mark.parametrize(
    ("count", "keys", "ranks"),
    [
        (2, "2", [2, 1]),
        (2, "=", [1, 1]),
        (3, "31", [2, 3, 1]),
        (3, "=", [1, 1, 1]),
        (3, "1\n", [1, 2, 2]),
        (3, "2=3", [3, 1, 1]),
        (4, "4=21", [3, 1, 4, 1]),
        (4, "12\n", [1, 2, 3, 3]),
        (4, "1=2\n", [1, 1, 3, 3]),
        (4, "13u2=3", [1, 2, 2, 4]),
    ],
)
def test_keys_make_the_ranks_of_the_replies_as_they_are_shown(count: int, keys: str, ranks: list[int]) -> None:
    ranking = pressed(Ranking(task(count)), keys)
    assert ranking.done
    assert [ranking.rank(place) for place in range(count)] == ranks
    order = shown_order(ranking.task)
    assert list(ranking.ranks) == [ranks[order.index(reply)] for reply in range(count)]


def test_what_cannot_be_picked_changes_nothing() -> None:
    ranking = pressed(Ranking(task(4)), "22")
    ranking.pick(7)
    assert (ranking.groups, ranking.done) == ([[1]], False)
    with pytest.raises(ValueError, match="not every reply"):
        _ = ranking.ranks
    assert pressed(Ranking(task(3)), "\n").groups == [], "an Enter too many is no judgement"


def test_undo_goes_back_key_by_key_to_the_beginning() -> None:
    ranking = pressed(Ranking(task(4)), "1=3=")
    assert str(ranking) == "1 = 3 ="
    seen = []
    while ranking.undo():
        seen.append(str(ranking))
    assert seen == ["1 = 3", "1", ""]


def test_a_person_sees_what_was_said_before_the_question_and_no_passages() -> None:
    passages = with_passages("And on Sunday?", [chunk(FARES)])
    turns = (("user", "When do you open?"), ("assistant", "At nine. " * 40), ("user", passages))
    prompt: Any = tuple({"role": role, "content": content} for role, content in turns)
    first, second, last = asked_text(Task(1, prompt, ())).splitlines()
    assert (first, last) == ("Q: When do you open?", "Q: And on Sunday?")
    assert len(second) < 160


def test_replies_are_shuffled_and_shown_in_the_same_order_again() -> None:
    orders = [tuple(shown_order(task(4, number))) for number in range(40)]
    assert len(set(orders)) > 10
    assert orders == [tuple(shown_order(task(4, number))) for number in range(40)]
    shown = Ranking(task(4, 3)).shown
    assert [reply.text for reply in shown] == [f"reply {n}" for n in orders[3]]
