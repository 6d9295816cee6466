"""What ends while somebody is in another room waits there, and opens no dialog here."""

from __future__ import annotations

import threading
from pathlib import Path

from textual.app import ComposeResult
from textual.widgets import Static

from app_driver import opened, text_of, until, until_shown
from loresmith_tui.screens.dialogs import Confirm
from loresmith_tui.screens.room import Room


class SlowRoom(Room):
    ROOM = "home"

    def furnish(self) -> ComposeResult:
        yield Static("slow")

    def ask_after(self, done: threading.Event) -> None:
        self.beside(done.wait, lambda _: self.app.push_screen(Confirm("Shall this be done?", "Do")))


async def test_a_question_that_comes_when_its_room_was_left_is_asked_there_and_not_elsewhere(tmp_path: Path) -> None:
    done, room = threading.Event(), SlowRoom()
    async with opened(tmp_path) as pilot:
        pilot.app.add_mode("slow", lambda: room)
        await pilot.app.switch_mode("slow")
        room.ask_after(done)
        await pilot.press("f2")
        await until_shown(pilot, "cores")
        done.set()
        await until(pilot, lambda: room._held, "the end of the work")
        assert "Shall this be done?" not in text_of(pilot)
        await pilot.app.switch_mode("slow")
        await until_shown(pilot, "Shall this be done?")


async def test_a_question_that_comes_in_its_room_is_asked_at_once(tmp_path: Path) -> None:
    done, room = threading.Event(), SlowRoom()
    async with opened(tmp_path) as pilot:
        pilot.app.add_mode("slow", lambda: room)
        await pilot.app.switch_mode("slow")
        room.ask_after(done)
        done.set()
        await until_shown(pilot, "Shall this be done?")
