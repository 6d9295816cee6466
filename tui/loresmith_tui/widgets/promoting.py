"""Promotion as a screen asks for it: a question first, and another one where a gate says no."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from loresmith.artefact import Artefact
from loresmith.errors import GateRefused
from loresmith_tui.screens.dialogs import Confirm

if TYPE_CHECKING:
    from loresmith_tui.screens.room import Room

Done = Callable[[Artefact], object]


def ask_to_promote(room: Room, run: str, rung: str, done: Done) -> None:
    """Ask whether a rung of a run shall be the assistant, and make it so.

    Args:
        room: The room that asks.
        run: Id of the run.
        rung: The rung.
        done: Is told of the artefact.
    """
    question = f"Make {rung} of run {run} the project's assistant?"

    def promote(force: bool) -> Artefact:
        return room.session.promote(run, rung, force=force)

    _ask(room, question, "Promote", promote, done)


def ask_to_roll_back(room: Room, done: Done) -> None:
    """Ask whether what was promoted before shall be the assistant again, and make it so; arguments as above."""

    def found(before: Artefact | None) -> None:
        present = room.session.artefact()
        if present is None or before is None:
            room.say("There is nothing to go back to: nothing was promoted before.")
            return
        now, then = (f"{each.rung} of run {each.run} (version {each.version})" for each in (present, before))
        _ask(room, f"Now {now} is the assistant.\nGo back to {then}?", "Go back", roll_back, done)

    def roll_back(force: bool) -> Artefact:
        return room.session.roll_back(force=force)

    room.beside(room.session.previous, found, group="promote")


def _ask(room: Room, question: str, word: str, do: Callable[[bool], Artefact], done: Done) -> None:
    def go_on(force: bool) -> None:
        room.beside(partial(do, force), done, failed, group="promote")

    def failed(error: Exception) -> None:
        if not isinstance(error, GateRefused):
            room.tell(error)
            return
        refusal = f"A gate says no: {error.message}.\nDo it all the same? What the gate said is kept."
        room.app.push_screen(Confirm(refusal, "By force"), lambda yes: go_on(True) if yes else None)

    room.app.push_screen(Confirm(question, word), lambda yes: go_on(False) if yes else None)
