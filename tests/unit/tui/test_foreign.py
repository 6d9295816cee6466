"""Rooms that plugins bring: found, entered, and left when they fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import loresmith_brevity
import pytest
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Static

from app_driver import opened, said, text_of, typed, until, until_shown
from loresmith.hooks import hookimpl
from loresmith.specs import ScreenSpec


class Plain(Screen[None]):
    """A screen that knows nothing of this app."""

    def compose(self) -> ComposeResult:
        yield Static("a plain room")


class FailsToCompose(Screen[None]):
    def compose(self) -> ComposeResult:
        raise RuntimeError("[red]no[/red] libfoo")


class FailsLater(Screen[None]):
    def on_mount(self) -> None:
        self.set_timer(0.05, self.fail)

    def fail(self) -> None:
        raise RuntimeError("it failed while it was shown")


def unbuilt() -> type:
    raise ImportError("libbar is not installed")


class Rooms:
    @hookimpl
    def register_screens(self, register: Any) -> None:
        built: dict[str, Any] = {"plain": lambda: Plain, "compose": lambda: FailsToCompose, "later": lambda: FailsLater}
        for name, build in {**built, "unbuilt": unbuilt, "none": lambda: dict}.items():
            register(ScreenSpec(name=name, summary=f"[b]room[/b] {name}", build=build))


async def test_without_plugins_the_list_says_how_one_brings_a_room(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("f4")
        await until_shown(pilot, "No plugin brings a room")


async def test_the_sample_plugins_room_is_entered_from_the_list_and_from_the_palette(project: Path) -> None:
    async with opened(project, (120, 30)) as pilot:
        assert pilot.app.session.host.add(loresmith_brevity, "brevity").state == "loaded"
        await pilot.press("f4")
        await until_shown(pilot, "How long the answers are", "brevity")
        await pilot.press("enter")
        await until_shown(pilot, "Words an answer", "few-shot", "longest")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.current_mode == "home")
        await pilot.press("ctrl+p")
        await pilot.pause()
        await typed(pilot, "room brevity")
        await until_shown(pilot, "Words an answer")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("compose", "[red]no[/red] libfoo"),
        ("later", "it failed while it was shown"),
        ("unbuilt", "libbar is not installed"),
        ("none", "no textual screen"),
    ],
)
async def test_a_room_that_fails_is_told_and_left_and_nothing_else_breaks(project: Path, name: str, why: str) -> None:
    async with opened(project) as pilot:
        pilot.app.session.host.add(Rooms(), "rooms")
        await pilot.press("f4")
        await until_shown(pilot, "[b]room[/b] plain")
        pilot.app.foreign.enter(name)
        await until(pilot, lambda: why in said(pilot), why)
        await until(pilot, lambda: pilot.app.current_mode == "more")
        pilot.app.foreign.enter("plain")
        await until_shown(pilot, "a plain room")
        await pilot.press("escape")
        await until_shown(pilot, "Recent runs")
        assert "Traceback" not in text_of(pilot)


async def test_a_room_of_a_plugin_that_was_switched_off_is_not_entered(project: Path) -> None:
    async with opened(project) as pilot:
        await until_shown(pilot, "harbour-desk")
        pilot.app.foreign.enter("plain")
        await until(pilot, lambda: 'no screen named "plain"' in said(pilot))
