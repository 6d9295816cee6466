"""Who can answer in the chat: the rungs, older versions of the artefact, and runs that were never promoted."""

from __future__ import annotations

from collections.abc import Iterator

from loresmith.artefact import history
from loresmith.errors import LoresmithError
from loresmith.rungs import PARTS, RUNGS
from loresmith_tui.session import Session
from loresmith_tui.talking import Talk, Who

Choices = list[tuple[Who, str]]
"""Who, and what is said of them."""


def able(session: Session) -> Choices:
    """Return all that could answer, the rungs of what is promoted first."""
    rungs = [(Who(rung), f"{rung:10}{made_of(rung)}") for rung in RUNGS]
    older = list(_older(session))
    known = {who for who, _ in older}
    runs = [
        (who, f"{who.rung:10}of run {who.run}")
        for row in session.runs()
        if row["ship"] and (who := Who(row["ship"], row["run"])) not in known
    ]
    return [*rungs, *older, *runs]


def made_of(rung: str) -> str:
    """Return in words what a rung is made of."""
    parts = PARTS[rung]
    said = [
        (parts.demonstrations, "demonstrations"),
        (parts.passages, "passages looked up"),
        (parts.trained, "trained"),
    ]
    return ", ".join(name for there, name in said if there) or "the instructions alone"


def name_of(talk: Talk, session: Session, side: int) -> str:
    """Return the name of what answers on a side; an empty text where nothing is promoted or chosen."""
    who, artefact = talk.sides[side].who, session.artefact()
    rung = who.rung or (artefact.rung if artefact else "")
    return f"{rung} of {who.run}" if who.run else rung


def _older(session: Session) -> Iterator[tuple[Who, str]]:
    try:
        artefacts = history(session.here)
    except LoresmithError:
        return
    for artefact in artefacts[1:]:
        yield Who(artefact.rung, artefact.run), f"{artefact.rung:10}version {artefact.version}, run {artefact.run}"
