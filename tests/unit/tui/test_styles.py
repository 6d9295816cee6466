"""Entering a room, or opening a dialog, parses what is new and nothing twice."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from textual.css import stylesheet

from app_driver import opened, until, until_shown
from loresmith_tui import rooms
from loresmith_tui.app import LIGHT
from loresmith_tui.rooms import ROOMS


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was parsed, and how often."""
    found: Counter[str] = Counter()
    parse = stylesheet.parse

    def counted(scope: str, css: str, *more: Any, **named: Any) -> Any:
        found[f"{scope} {css}"] += 1
        return parse(scope, css, *more, **named)

    monkeypatch.setattr(stylesheet, "parse", counted)
    return found


async def test_rooms_and_dialogs_are_parsed_once_and_again_for_another_theme(
    tmp_path: Path, parsed: Counter[str]
) -> None:
    async with opened(tmp_path) as pilot:
        await until_shown(pilot, "harbour-desk")
        parsed.clear()
        for name in ROOMS:
            await pilot.app.switch_mode(name)
            await pilot.pause()
        await pilot.press("question_mark")
        await until_shown(pilot, "Escape closes")
        assert parsed
        assert set(parsed.values()) == {1}
        await pilot.press("escape")
        before = pilot.app.screen.styles.background
        pilot.app.theme = LIGHT.name
        await until(pilot, lambda: pilot.app.screen.styles.background != before, "the other theme")
        assert set(parsed.values()) <= {1, 2}
        assert 2 in parsed.values()


async def test_the_rooms_are_made_ready_when_the_first_screen_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(rooms, "import_module", lambda name: loaded.append(name) or import_module(name))
    async with opened(tmp_path) as pilot:
        await until(pilot, lambda: len(set(loaded)) == len(ROOMS), "all rooms")
