from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app_driver import opened, said, text_of, typed, until, until_shown
from fake_parts import FakeEngine
from loresmith.assistant.open import open_assistant
from loresmith.journal.conversations import Conversation
from loresmith.journal.database import open_journal
from loresmith.journal.finding import listed
from loresmith.project import Project
from loresmith.values import Answer, Trace
from loresmith_tui import talking

DOGS = "**Dogs** travel free on the open deck [1]. [red]They swim[/red] \x1b[31m to Spain for 99 crowns [1]."


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """The real assistant on the real index, with an engine that says what it is told."""
    engine = FakeEngine(DOGS)

    def opened_with(project: Any, recipe: Any, host: Any, rung: Any, run: Any, _: Any, told: Any) -> Any:
        return open_assistant(project, recipe, host, rung, run, engine, told)

    monkeypatch.setattr(talking, "open_assistant", opened_with)
    return engine


async def test_unsupported_citations_are_marked_and_a_citation_opens_the_document_at_the_quote(
    own: Path, scripted: FakeEngine
) -> None:
    async with opened(own, (120, 40)) as pilot:
        await choose_rag(pilot)
        await ask(pilot, "Dogs travel free on the open deck")
        await until_shown(
            pilot, "Dogs travel free on the open deck [1].", "[red]They swim[/red] \\x1b[31m to Spain", "[1✗]"
        )
        await until_shown(pilot, "supported", "unsupported")
        await pilot.press("ctrl+t")
        await until_shown(pilot, "searched for: Dogs travel", "retrieved 1:", "check: ")
        pilot.app.screen.query_one("#citations").focus()
        await pilot.press("enter")
        await until_shown(pilot, "(Escape closes)", ".md")
        area = pilot.app.screen.query_one("TextArea")
        await until(pilot, lambda: area.selected_text, "the marked quote")
        assert area.selected_text in area.text
        await pilot.press("escape")
        line, column = next(
            (y, row.index("[1✗]")) for y, row in enumerate(text_of(pilot).splitlines()) if "[1✗]" in row
        )
        await pilot.click(offset=(column + 1, line))
        await until_shown(pilot, "(Escape closes)", ".md")


async def test_an_answer_is_judged_and_put_right_and_the_journal_has_it(own: Path, scripted: FakeEngine) -> None:
    async with opened(own) as pilot:
        await choose_rag(pilot)
        await ask(pilot, "dogs")
        await pilot.press("f6")
        await until_shown(pilot, "thumb up")
        await pilot.press("f6")
        await until(pilot, lambda: "thumb" not in text_of(pilot))
        await pilot.press("f7")
        await until_shown(pilot, "thumb down")
        await pilot.press("f8")
        await until_shown(pilot, "What should the answer have been?")
        area = pilot.app.screen.query_one("TextArea")
        assert area.text.startswith("**Dogs** travel free")
        area.text = "On the open deck, free [1]."
        await pilot.press("ctrl+s")
        await until_shown(pilot, "should be: On the open deck, free [1].")
    with open_journal(Project(own)) as journal:
        (row,) = journal.execute(
            "SELECT role, rung, liked, correction FROM thumbs JOIN messages ON messages.id = thumbs.message"
        ).fetchall()
    assert tuple(row) == ("assistant", "rag", 0, "On the open deck, free [1].")


async def test_several_turns_are_one_conversation_that_is_found_again_and_goes_on(
    own: Path, scripted: FakeEngine
) -> None:
    async with opened(own) as pilot:
        await choose_rag(pilot)
        await ask(pilot, "dogs")
        await ask(pilot, "and cats")
        first = next(message for message in scripted.calls[-1][1][0] if message["role"] == "user")
        assert first["content"].endswith("dogs")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(scripted.calls) == 3 and not pilot.app.screen.busy, "the answer made anew")
        assert [row.question for row in pilot.app.screen.talk.rows] == ["dogs", "and cats"]
        await pilot.press("up", "up")
        assert pilot.app.screen.query_one("#line").value == "dogs"
        await pilot.press("ctrl+y")
        assert pilot.app.clipboard.startswith("**Dogs** travel")
        await pilot.press("ctrl+up")
        await until_shown(pilot, "at turn 1 of 2")
        await pilot.press("f6")
        await until_shown(pilot, "thumb up")
        await pilot.press("ctrl+n")
        await until_shown(pilot, "Ask the assistant something")
        assert pilot.app.screen.talk.rows == []
        await ask(pilot, "bicycles")

        await pilot.press("ctrl+l")
        await until_shown(pilot, "2 conversations", "bicycles")
        await pilot.press(*"cats")
        await until(pilot, lambda: "1 conversation" in text_of(pilot) and "bicycles" not in text_of(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen.query("TurnBox")) == 2)
        assert [row.question for row in pilot.app.screen.talk.rows] == ["dogs", "and cats"]
        await ask(pilot, "and fish")
    assert [(each.title, each.turns) for each in listed(Project(own))] == [("dogs", 3), ("bicycles", 1)]


async def test_who_left_the_line_and_comes_back_writes_in_it(own: Path) -> None:
    async with opened(own) as pilot:
        await pilot.press("7", "escape", "f2")
        await until_shown(pilot, "cores")
        await pilot.press("7", *"dogs", "question_mark")
        await until(pilot, lambda: pilot.app.screen.query_one("#line").value == "dogs?")


@pytest.mark.parametrize("size", [(80, 24), (130, 40)], ids=["narrow", "wide"])
async def test_two_answer_the_same_question_side_by_side_on_one_engine(
    own: Path, scripted: FakeEngine, size: tuple[int, int]
) -> None:
    async with opened(own, size) as pilot:
        await choose_rag(pilot)
        await ask(pilot, "dogs")
        await pilot.press("ctrl+s")
        await until_shown(pilot, "Which one shall answer beside?")
        pilot.app.screen.query_one("OptionList").highlighted = 4
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen.query("AnswerBox")) == 2 and not pilot.app.screen.busy)
        await until_shown(pilot, "rung rag beside hybrid")
        await ask(pilot, "cats")
        plain, tuned = scripted.calls[-2:]
        assert (plain[0].adapter is None, tuned[0].adapter is not None) == (True, True)
        assert all(call[1][0][-1]["content"].endswith("cats") for call in (plain, tuned))
        await pilot.press("ctrl+g", "f6")
        await until_shown(pilot, "hybrid, ", "thumb up")
        await pilot.press("ctrl+s")
        await until_shown(pilot, "Which one shall go on alone?")
        await pilot.press("enter")
        await until_shown(pilot, "rung hybrid")
        assert len(pilot.app.screen.query("AnswerBox")) == 2
    assert {(each.rungs, each.turns) for each in listed(Project(own))} == {("hybrid", 2), ("rag", 2)}


async def test_escape_stops_an_answer_and_keeps_what_came(
    own: Path, scripted: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    gate = threading.Event()

    def slowly(_: object) -> Any:
        yield "Only this "
        gate.wait(30)
        yield "and never that"

    monkeypatch.setattr(scripted, "stream_text", slowly)
    async with opened(own) as pilot:
        await choose(pilot, 0)
        await typed(pilot, "dogs")
        await until_shown(pilot, "Only this")
        await pilot.press("escape")
        gate.set()
        await until(pilot, lambda: not pilot.app.screen.busy)
        await until(pilot, lambda: "cut off" in said(pilot))
        assert pilot.app.current_mode == "chat"


async def test_the_tiny_model_answers_too_and_what_is_not_to_be_kept_is_not(own: Path) -> None:
    async with opened(own) as pilot:
        await pilot.press("7")
        await until_shown(pilot, "loaded with the first question")
        await pilot.press("f9")
        await until_shown(pilot, "not kept")
        await ask(pilot, "dogs")
        await until_shown(pilot, "dogs", " s")
        await pilot.press("f6")
        await until(pilot, lambda: "not in the journal" in said(pilot))
    assert listed(Project(own)) == []


async def test_before_anything_is_built_it_says_what_to_do(fresh: Path) -> None:
    async with opened(fresh) as pilot:
        await pilot.press("7")
        await until_shown(pilot, "Ctrl+O chooses a rung")
        await typed(pilot, "dogs")
        await until(pilot, lambda: "nothing is built yet" in said(pilot))
        await until_shown(pilot, "nothing is built yet")


async def test_of_a_long_conversation_only_what_is_near_is_on_the_screen(own: Path) -> None:
    talk = Conversation(Project(own))
    for number in range(150):
        talk.add(f"question {number}", Answer(f"- answer {number}\n- and more", [], False, "rag", Trace()))
    async with opened(own) as pilot:
        await pilot.press("7", "ctrl+l")
        await until_shown(pilot, "1 conversation")
        await pilot.press("enter")
        await until_shown(pilot, "answer 149")
        boxes = lambda: [box.row for box in pilot.app.screen.query("TurnBox")]  # noqa: E731
        assert boxes() == list(range(130, 150))
        for _ in range(6):
            await pilot.press("pageup")
            await pilot.pause()
        await until(pilot, lambda: boxes()[0] < 130)
        assert len(boxes()) == 20
        assert boxes() == list(range(boxes()[0], boxes()[0] + 20))
        await pilot.press(*["ctrl+up"] * 3)
        await until_shown(pilot, "at turn 147 of 150", "question 146")


async def ask(pilot: Any, question: str) -> None:
    screen = pilot.app.screen
    rows = len(screen.talk.rows)
    screen.query_one("#line").value = ""
    screen.query_one("#line").focus()
    await typed(pilot, question)
    await until(pilot, lambda: len(screen.talk.rows) == rows + 1 and not screen.busy, f"the answer to {question}")


async def choose_rag(pilot: Any) -> None:
    await choose(pilot, 2)


async def choose(pilot: Any, place: int) -> None:
    await pilot.press("7")
    await pilot.pause()
    await pilot.press("ctrl+o")
    await until_shown(pilot, "Which rung shall answer?")
    pilot.app.screen.query_one("OptionList").highlighted = place
    await pilot.press("enter")
    await until_shown(pilot, "rung ")
