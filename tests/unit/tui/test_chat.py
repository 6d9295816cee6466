from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app_driver import opened, said, text_of, typed, until, until_shown
from fake_parts import FakeEngine
from loresmith.assistant.open import open_assistant
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


async def test_an_answer_comes_with_its_citations_and_unsupported_ones_are_marked(
    project: Path, scripted: FakeEngine
) -> None:
    async with opened(project, (120, 40)) as pilot:
        await choose_rag(pilot)
        await typed(pilot, "Dogs travel free on the open deck")
        await until_shown(pilot, "supported", "unsupported")
        shown = text_of(pilot)
        assert "[red]They swim[/red] \\x1b[31m" in shown
        await pilot.press("ctrl+t")
        await until_shown(pilot, "searched for: Dogs travel")


async def test_a_citation_opens_the_document_at_the_quote(project: Path, scripted: FakeEngine) -> None:
    async with opened(project, (120, 40)) as pilot:
        await choose_rag(pilot)
        await typed(pilot, "Dogs travel free on the open deck")
        await until_shown(pilot, "unsupported")
        pilot.app.screen.query_one("#citations").focus()
        await pilot.press("enter")
        await until_shown(pilot, "(Escape closes)", ".md")
        area = pilot.app.screen.query_one("TextArea")
        await until(pilot, lambda: area.selected_text, "the marked quote")
        assert area.selected_text in area.text


async def test_several_turns_are_one_conversation_until_a_new_one_is_begun(project: Path, scripted: FakeEngine) -> None:
    async with opened(project) as pilot:
        await choose_rag(pilot)
        for question in ("dogs", "and cats"):
            await typed(pilot, question)
            await until(pilot, lambda: not pilot.app.screen._busy)
        assert [turn.question for turn in pilot.app.screen.talk.turns] == ["dogs", "and cats"]
        first = next(message for message in scripted.calls[-1][1][0] if message["role"] == "user")
        assert first["content"].endswith("dogs")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(scripted.calls) == 3 and not pilot.app.screen._busy, "the answer made anew")
        assert len(pilot.app.screen.talk.turns) == 2
        await pilot.press("up", "up")
        assert pilot.app.screen.query_one("#line").value == "dogs"
        await pilot.press("ctrl+y")
        assert pilot.app.clipboard.startswith("**Dogs** travel")
        await pilot.press("ctrl+n")
        await until_shown(pilot, "Ask the assistant something")
        assert pilot.app.screen.talk.turns == []


async def test_escape_stops_an_answer_and_keeps_what_came(
    project: Path, scripted: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    gate = threading.Event()

    def slowly(_: object) -> Any:
        yield "Only this "
        gate.wait(30)
        yield "and never that"

    monkeypatch.setattr(scripted, "stream_text", slowly)
    async with opened(project) as pilot:
        await choose(pilot, 0)
        await typed(pilot, "dogs")
        await until_shown(pilot, "Only this")
        await pilot.press("escape")
        gate.set()
        await until(pilot, lambda: not pilot.app.screen._busy)
        await until(pilot, lambda: "cut off" in said(pilot))
        assert pilot.app.current_mode == "chat"


async def test_the_tiny_model_answers_too(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "loaded with the first question")
        await typed(pilot, "dogs")
        await until(pilot, lambda: pilot.app.screen.talk.turns and not pilot.app.screen._busy)
        await until_shown(pilot, "dogs", " s")


async def test_before_anything_is_built_it_says_what_to_do(fresh: Path) -> None:
    async with opened(fresh) as pilot:
        await pilot.press("5")
        await until_shown(pilot, "Ctrl+O chooses a rung")
        await typed(pilot, "dogs")
        await until(pilot, lambda: "nothing is built yet" in said(pilot))


async def test_three_hundred_messages_leave_few_widgets_and_earlier_ones_come_back(
    project: Path, scripted: FakeEngine
) -> None:
    async with opened(project) as pilot:
        await choose(pilot, 0)
        await typed(pilot, "dogs")
        await until(pilot, lambda: not pilot.app.screen._busy)
        talk = pilot.app.screen.talk
        talk.turns = talk.turns * 150
        await pilot.press("ctrl+b", "ctrl+b")
        await until(pilot, lambda: len(pilot.app.screen.query("TurnBox")) == 61)
        await typed(pilot, "cats")
        await until(pilot, lambda: not pilot.app.screen._busy and len(pilot.app.screen.query("TurnBox")) <= 31)


async def choose_rag(pilot: Any) -> None:
    await choose(pilot, 2)


async def choose(pilot: Any, place: int) -> None:
    await pilot.press("5")
    await pilot.pause()
    await pilot.press("ctrl+o")
    await until_shown(pilot, "Which rung shall answer?")
    pilot.app.screen.query_one("OptionList").highlighted = place
    await pilot.press("enter")
    await until_shown(pilot, "rung ")
