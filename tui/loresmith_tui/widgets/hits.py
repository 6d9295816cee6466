"""The candidates of a search: what became of each, every score, and where it stood under the recipe's settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loresmith.knowledge.explaining import Fate
from loresmith_tui.searching import Found
from loresmith_tui.shown import one_line, signs
from loresmith_tui.widgets.table import Cell, Table, styled

LOST = "lost "
"""Keys of the rows of hits that are no candidates any more begin so."""


class Hits(Table):
    """One line a candidate."""

    def __init__(self, id: str) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(("", "document", "what became of it"), id=id)
        self._found: Found | None = None

    def show(self, found: Found) -> None:
        """Show another search."""
        self._found = found
        fates = found.explanation.fates
        names = list(dict.fromkeys(name for fate in fates for name in fate.hit["scores"]))
        moves = ["recipe"] if found.moved is not None else []
        rows = [(str(n), self._cells(fate, names, found)) for n, fate in enumerate(fates)]
        self.fill([*rows, *self._lost(found)], ["", *moves, "document", "what became of it", "words", "score", *names])

    @property
    def hit(self) -> Mapping[str, Any] | None:
        """The candidate at the cursor."""
        key = self.chosen
        return self._found.explanation.fates[int(key)].hit if self._found and key and key.isdigit() else None

    def _cells(self, fate: Fate, names: list[str], found: Found) -> list[Cell]:
        hit = fate.hit
        number = styled(str(fate.n) if fate.n else "-", self.app.theme_variables["success"] if fate.n else "dim")
        place = one_line(f"{hit['document']} {hit['start']}-{hit['end']}", 32)
        scores = [_number(hit["scores"].get(name)) for name in names]
        words = one_line(" ".join(fate.words), 24)
        return [
            number,
            *self._moved(fate, found),
            place,
            one_line(fate.outcome, 30),
            words,
            _number(hit["score"]),
            *scores,
        ]

    def _moved(self, fate: Fate, found: Found) -> list[Cell]:
        if found.moved is None:
            return []
        # A hit may be handed over as the section around the candidate, so that its place says more than its id.
        same = (m for m in found.moved if (m.now == fate.n if fate.n else m.chunk == fate.hit["chunk"]))
        return [self._move(fate.n, next((move.was for move in same), 0))]

    def _lost(self, found: Found) -> Iterator[tuple[str, Sequence[Cell]]]:
        there = {fate.hit["chunk"] for fate in found.explanation.fates}
        for move in found.moved or ():
            if not move.now and move.chunk not in there:
                place = one_line(f"{move.document} {move.start}-{move.end}", 32)
                yield LOST + move.chunk, ["-", self._move(0, move.was), place, "no candidate any more"]

    def _move(self, now: int, was: int) -> Cell:
        """Return where a hit stood under the recipe's settings, and which way it went."""
        if now == was:
            return str(was) if was else ""
        better = now and (not was or now < was)
        sign, colour = (signs().up, "success") if better else (signs().down, "warning")
        return styled(f"{was or 'new'} {sign}", self.app.theme_variables[colour])


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(int(value)) if value == int(value) else f"{value:.4f}"
