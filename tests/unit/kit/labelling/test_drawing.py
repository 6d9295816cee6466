from __future__ import annotations

from typing import Any

import pytest

from fake_parts import FARES, FakeRetriever, chunk, fake_assistant
from loresmith.host import PluginHost
from loresmith.journal.judgements import Judgements
from loresmith.labelling import drawing
from loresmith.labelling.drawing import Drawer, Drawing, usual_rung
from loresmith.project import Project


def prompts(count: int) -> list[Any]:
    return [({"role": "user", "content": f"question {n}"},) for n in range(count)]


def drawer(project: Project, host: PluginHost, count: int = 6, **how: Any) -> Drawer:
    return Drawer(project, host, Drawing(**how), prompts(count), lambda *_: None)


def test_replies_are_kept_batch_by_batch_and_another_call_goes_on_after_them(
    project: Project, host: PluginHost, engine: Any
) -> None:
    assert drawer(project, host).draw(3) == 3
    assert [len(conversations) for _, conversations in engine.calls] == [3, 6], "the first question comes alone"
    task = Judgements(project).next()
    assert task
    assert [(r.text, r.rung, r.temperature, r.whole) for r in task.replies] == [
        ("reply 0", "prompt", 0.8, True), ("reply 1", "prompt", 0.8, False), ("reply 2", "prompt", 0.8, True),
    ]  # fmt: skip
    rest = drawer(project, host)
    assert (rest.missing, rest.draw(100), rest.missing) == (3, 3, 0)
    assert drawer(project, host).missing == 0
    assert drawer(project, host, temperature=0.9).missing == 6, "drawn otherwise, they are other replies"


def test_a_wish_to_stop_ends_it_with_the_batch_in_hand(project: Project, host: PluginHost, engine: Any) -> None:
    assert drawer(project, host, 20).draw(20, lambda: len(engine.calls) == 2) == 5
    assert Judgements(project).counts().waiting == 5


def test_replies_that_are_alike_are_kept_once_and_drawn_again(project: Project, host: PluginHost, engine: Any) -> None:
    engine.reply = lambda asked: "always  the\nsame" if asked.split()[0] == "0" else "always the same"
    assert drawer(project, host, 1).draw(1) == 0
    assert len(engine.calls) == 3
    assert Judgements(project).next() is None
    assert drawer(project, host, 1).missing == 0, "it is not drawn for ever"


def test_another_question_takes_the_place_of_one_with_nothing_to_compare(
    project: Project, host: PluginHost, engine: Any
) -> None:
    engine.reply = lambda asked: "same" if asked.endswith("question 0") else asked
    draws = drawer(project, host, 3)
    assert (draws.draw(2), draws.alike) == (2, 1)


def test_the_prompt_that_is_kept_is_what_was_read_without_instructions(
    project: Project, host: PluginHost, engine: Any
) -> None:
    drawer(project, host, 1, rung="rag").draw(1)
    task = Judgements(project).next()
    assert task
    [turn] = task.prompt
    assert FARES in turn["content"]
    assert turn["content"].endswith("Question: question 0")
    drawer(project, host, 1, rung="prompt").draw(1)
    assert Judgements(project).counts().waiting == 2


def test_what_no_file_of_rows_can_hold_is_taken_out(project: Project, host: PluginHost, engine: Any) -> None:
    engine.reply = lambda asked: f"nul \0 {asked[0]}"
    drawer(project, host, 1).draw(1)
    task = Judgements(project).next()
    assert task
    assert "\0" not in task.replies[0].text


def test_before_anything_is_trained_the_base_replies(project: Project) -> None:
    assert usual_rung(project) == "prompt"


def test_a_question_that_is_declined_without_the_model_has_nothing_to_rank(
    project: Project, host: PluginHost, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: Any, **__: Any) -> Any:
        return fake_assistant("rag", engine, FakeRetriever(chunk(FARES)), floor=2)

    monkeypatch.setattr(drawing, "open_assistant", opened)
    assert drawer(project, host, 1, rung="rag").draw(5) == 0
    assert not engine.calls
