"""Promotion as a screen asks for it: a question first, and another one where a gate says no."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from loresmith.artefact import Artefact
from loresmith.errors import GateRefused
from loresmith_tui.screens.dialogs import Confirm

if TYPE_CHECKING:
    from loresmith_tui.screens.room import Room


def ask_to_promote(room: Room, run: str, rung: str, done: Callable[[Artefact], object]) -> None:
    """Ask whether a rung of a run shall be the assistant, and make it so.

    Args:
        room: The room that asks.
        run: Id of the run.
        rung: The rung.
        done: Is told of the artefact.
    """
    question = f"Make {rung} of run {run} the project's assistant?"
    room.app.push_screen(Confirm(question, "Promote"), lambda yes: _promote(room, run, rung, done) if yes else None)


def _promote(room: Room, run: str, rung: str, done: Callable[[Artefact], object], *, force: bool = False) -> None:
    def failed(error: Exception) -> None:
        if not isinstance(error, GateRefused):
            room.tell(error)
            return
        room.app.push_screen(
            Confirm(f"A gate says no: {error.message}.\nPromote it all the same? What it said is kept.", "By force"),
            lambda yes: _promote(room, run, rung, done, force=True) if yes else None,
        )

    room.beside(lambda: room.session.promote(run, rung, force=force), done, failed, group="promote")
