"""Drives the terminal app: what stands on the screen as text, and waiting until something does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from loresmith_tui.app import LoresmithApp
from loresmith_tui.session import Session

PATIENCE = 90.0
"""Seconds after which what is waited for counts as never coming."""


@asynccontextmanager
async def opened(folder: Path, size: tuple[int, int] = (80, 24), **plugins: object) -> AsyncIterator[Pilot[Any]]:
    """Open the app on a folder, with some more plugins."""
    session = Session(folder)
    for name, plugin in plugins.items():
        session.host.add(plugin, name)
    async with LoresmithApp(session).run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield pilot


def text_of(pilot: Pilot[Any]) -> str:
    """Return what stands on the screen, line by line."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def said(pilot: Pilot[Any]) -> str:
    """Return what notifications say."""
    return "\n".join(note.message for note in pilot.app._notifications)


async def until(pilot: Pilot[Any], seen: Callable[[], object], what: str = "") -> None:
    """Wait until something is so."""
    end = time.monotonic() + PATIENCE
    while not seen():
        if time.monotonic() > end:
            raise AssertionError(f"{what or 'it'} never came; the screen:\n{text_of(pilot)}\nsaid:\n{said(pilot)}")
        await asyncio.sleep(0.02)
        await pilot.pause()


async def until_shown(pilot: Pilot[Any], *texts: str) -> None:
    """Wait until all of these stand on the screen."""
    await until(pilot, lambda: all(text in text_of(pilot) for text in texts), f"{texts}")


async def typed(pilot: Pilot[Any], text: str) -> None:
    """Type a text into the field that has the focus, and press Enter."""
    keys = {" ": "space", "?": "question_mark", ".": "full_stop", "/": "slash", "-": "minus"}
    await pilot.press(*(keys.get(character, character) for character in text), "enter")
