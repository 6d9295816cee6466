"""What some screens look like, letter by letter and colour by colour.

A change that is meant is kept with `pytest tests/unit/tui/test_pictures.py --snapshot-update`, after a look at it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from app_driver import opened, until, until_shown
from loresmith.journal.conversations import Conversation
from loresmith.project import Project
from loresmith.values import Answer, Citation, Trace
from small_project import edit_recipe

RESTS = 10
"""Looks at a screen in which nothing changes."""

pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="pictures are kept for one Python version")


@pytest.fixture
def desk(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which no path of this machine stands."""
    edit_recipe(fresh, {"base": "smollm2-135m", "knowledge.embedder": {"kind": "minilm"}})
    return fresh


def picture(pilot: Pilot[Any]) -> str:
    """Return the screen: its lines, and below each that has more than one style its runs as `length style`."""
    lines = []
    for strip in pilot.app.screen._compositor.render_strips():
        lines.append("".join(segment.text for segment in strip).rstrip())
        runs = [(segment.cell_length, str(segment.style or "")) for segment in strip.simplify()]
        if len({style for _, style in runs}) > 1:
            lines.append("    ~ " + ", ".join(f"{length} {style}" for length, style in runs))
    return "\n".join(lines)


async def looked_at(pilot: Pilot[Any]) -> str:
    """Return the screen with nothing that blinks, when it rests: nothing works beside it, and it stays as it is."""
    for field in pilot.app.screen.query("Input, TextArea"):
        field.cursor_blink = False
    seen = [""]

    def rests() -> bool:
        seen.append(picture(pilot))
        return len(set(seen[-RESTS:])) == 1 and not any(worker.is_running for worker in pilot.app.workers)

    await until(pilot, rests, "a screen that rests")
    return seen[-1]


@pytest.mark.parametrize("size", [(80, 24), (140, 36)], ids=["narrow", "wide"])
async def test_assemble(desk: Path, snapshot: SnapshotAssertion, size: tuple[int, int]) -> None:
    async with opened(desk, size) as pilot:
        await pilot.press("2")
        await until_shown(pilot, "assistant.yaml · saved · ✓ right", "no estimate")
        assert await looked_at(pilot) == snapshot


async def test_data(desk: Path, snapshot: SnapshotAssertion) -> None:
    async with opened(desk, (120, 34)) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "30 examples", "as it would be")
        assert await looked_at(pilot) == snapshot


async def test_a_conversation_with_a_citation_that_is_not_supported(desk: Path, snapshot: SnapshotAssertion) -> None:
    quote = "Dogs travel free on the open deck."
    text = "**Yes**: dogs travel free on the open deck [1].\n\n- In the saloon they sit in a basket [2].\n\nGood luck."
    citations = [
        Citation(n=1, document="dogs.md", start=8, end=8 + len(quote), quote=quote, supported=True),
        Citation(n=2, document="fares.md", start=0, end=0, quote="", supported=False),
    ]
    Conversation(Project(desk)).add("May my dog come along?", Answer(text, citations, False, "rag", Trace()))
    async with opened(desk, (100, 30)) as pilot:
        await pilot.press("7", "ctrl+l")
        await until_shown(pilot, "1 conversation")
        await pilot.press("enter")
        await until_shown(pilot, "2 citations", "1 unsupported")
        assert await looked_at(pilot) == snapshot


async def test_the_keys_of_a_room(desk: Path, snapshot: SnapshotAssertion) -> None:
    async with opened(desk, (100, 40)) as pilot:
        await pilot.press("6", "question_mark")
        await until_shown(pilot, "Promote")
        assert await looked_at(pilot) == snapshot
