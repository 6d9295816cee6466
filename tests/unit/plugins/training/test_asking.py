"""An engine is asked the same once, and what it cannot answer is named by what it was about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import DataError, ModelError, Problem
from loresmith.values import Completion, Message, Sampling
from loresmith_plugins.training.asking import Asking, Question
from loresmith_plugins.training.journal import Journal


class Echo:
    """Replies with what was said, and keeps what it was asked; `tells` log-probabilities unless it fails."""

    identity = "echo"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.together: list[int] = []
        self.fails: type[Exception] | None = None
        self.tells = True

    def complete(
        self, conversations: Sequence[Sequence[Message]], progress: Any = None, *, sampling: Sampling | None = None
    ) -> list[Completion]:
        if self.fails:
            raise self.fails("nobody there")
        too_long = [i for i, each in enumerate(conversations, 1) if len(each[-1]["content"]) > 20]
        if too_long:
            raise DataError("too long", [Problem("has 21 tokens", key=f"question {i}") for i in too_long])
        self.together.append(len(conversations))
        self.asked += [each[-1]["content"] for each in conversations]
        return [Completion(each[-1]["content"], 3, 4, 0.0) for each in conversations]

    def log_probabilities(
        self, conversations: Sequence[Sequence[Message]], options: Sequence[str]
    ) -> list[list[float]]:
        if self.fails or not self.tells:
            raise ModelError("tells nothing")
        return [[float("-inf"), -0.5] for _ in conversations]

    def use(self, weights: Any) -> None: ...

    def render(self, messages: Any) -> str:
        return ""

    def stream_text(self, messages: Any) -> Any: ...


def asking(engine: Echo, folder: Path, weights: str = "w") -> Asking:
    return Asking(lambda: engine, weights, Journal(folder / "journal.jsonl"), 2, lambda: False)


def questions(*texts: str) -> list[Question]:
    return [Question([{"role": "user", "content": text}], f"about {text[:3]}") for text in texts]


def test_replies_come_in_order_and_the_same_is_asked_once_in_any_process(tmp_path: Path) -> None:
    engine = Echo()
    first = asking(engine, tmp_path)
    assert [r.text for r in first.replies(questions("one", "two", "one", "six"))] == ["one", "two", "one", "six"]
    assert engine.together == [2, 1]
    again = asking(engine, tmp_path)
    assert [r.text for r in again.replies(questions("six", "new", "one"))] == ["six", "new", "one"]
    assert engine.asked == ["one", "two", "six", "new"]
    # What was read from the journal counts as if it had been asked now: a budget ends at the same place.
    assert (first.tokens, again.tokens) == (4 * 7, 3 * 7)


def test_other_weights_or_another_way_of_drawing_are_asked_anew(tmp_path: Path) -> None:
    engine = Echo()
    asking(engine, tmp_path).replies(questions("one"))
    asking(engine, tmp_path, weights="other").replies(questions("one"))
    for seed in (1, 2):
        asking(engine, tmp_path).replies(questions("one"), Sampling(seed=seed))
    assert len(engine.asked) == 4


def test_a_problem_names_what_was_asked_about(tmp_path: Path) -> None:
    with pytest.raises(DataError) as wrong:
        asking(Echo(), tmp_path).replies(questions("short", "x" * 21))
    assert [problem.key for problem in wrong.value.problems] == ["about xxx"]


def test_an_engine_that_tells_no_probabilities_is_asked_for_letters_from_then_on(tmp_path: Path) -> None:
    engine = Echo()
    engine.tells = False
    judge = asking(engine, tmp_path)
    assert judge.tells
    assert judge.choices(questions("A", "B", "C")) == ["A", "B", None]
    engine.tells = True
    again = asking(engine, tmp_path)
    assert not again.tells
    assert again.choices(questions("A", "B", "C")) == ["A", "B", None]
    assert engine.asked == ["A", "B", "C"]


def test_an_engine_that_is_not_there_is_not_taken_for_one_that_tells_nothing(tmp_path: Path) -> None:
    engine = Echo()
    engine.fails = ModelError
    with pytest.raises(ModelError, match="nobody there"):
        asking(engine, tmp_path).choices(questions("A"))
    engine.fails = None
    assert asking(engine, tmp_path).choices(questions("A")) == [(-100.0, -0.5)]
