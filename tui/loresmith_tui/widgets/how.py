"""Asks how replies are to be drawn: first what shall be changed, then to what."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from loresmith.labelling.drawing import REPLIES
from loresmith.rungs import RUNGS
from loresmith_tui.labelling import Labelling
from loresmith_tui.screens.dialogs import Choice, Line

if TYPE_CHECKING:
    from loresmith_tui.screens.room import Room


def ask_how(room: Room, how: Labelling, done: Callable[[], object]) -> None:
    """Ask what shall be drawn otherwise, and change it.

    Args:
        room: The room that asks.
        how: What is changed.
        done: Called after a change.
    """
    options = [
        ("replies", f"Replies to a question: {how.drawing.replies}"),
        ("temperature", f"Temperature, how far apart they are: {how.drawing.temperature:g}"),
        ("rung", f"Rung that replies: {how.rung}"),
        ("questions", f"Questions to draw to: {how.questions}"),
    ]

    def asked(what: str | None) -> None:
        if what:
            ask, value, change = _questions(how)[what]
            room.app.push_screen(ask(), lambda answer: _settle(room, answer or value, change, done))

    room.app.push_screen(Choice("How shall replies be drawn?", options), asked)


Change = Callable[[str], bool]
"""Changes something to what was answered; False where that makes no sense."""


def _questions(how: Labelling) -> dict[str, tuple[Callable[[], Choice | Line], str, Change]]:
    """Return for each thing to change: what asks for it, what it is now, and what changes it."""
    replies, temperature, count = str(how.drawing.replies), f"{how.drawing.temperature:g}", str(how.questions)
    some = [(str(n), f"{n} replies") for n in REPLIES]
    rungs = [(rung, rung) for rung in RUNGS]
    return {
        "replies": (lambda: Choice("How many?", some, replies), replies, lambda v: how.settle(replies=int(v))),
        "rung": (lambda: Choice("Which rung?", rungs, how.rung), how.rung, lambda v: how.settle(rung=v)),
        "temperature": (lambda: Line("Temperature, from 0.01 to 10", temperature), temperature, how.settle_temperature),
        "questions": (lambda: Line("How many questions?", count), count, how.settle_questions),
    }


def _settle(room: Room, answer: str, change: Change, done: Callable[[], object]) -> None:
    if change(answer):
        done()
    else:
        room.say(f'"{answer}" is not a number that makes sense here.')
