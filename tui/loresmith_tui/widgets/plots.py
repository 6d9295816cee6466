"""The figures of a training stage as plots: as many at once as there is room for."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Grid

from loresmith_tui.looking import ordered
from loresmith_tui.watching import Stage
from loresmith_tui.widgets.plot import Curve, Plot

STEADY = ("learning_rate", "memory, GB")
"""Figures that do not jump from step to step."""
MOST = 4
"""Plots at once."""
WIDE, HIGH = 84, 22
"""Columns and lines from which on two plots stand beside, and below, each other."""


class Plots(Grid):
    """Plots of a stage's figures, from the chosen one on; the looks at held-out data are drawn into the same plots."""

    def __init__(self, id: str) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id)
        self._stage: Stage | None = None
        self._chosen = ""

    def compose(self) -> ComposeResult:
        """Yield the plots."""
        yield from (Plot() for _ in range(MOST))

    def on_resize(self) -> None:
        """Make as many as there is room for."""
        self.draw(self._stage)

    def draw(self, stage: Stage | None) -> None:
        """Show the figures of a stage as they are now."""
        self._stage = stage
        names = self._names
        columns, rows = (2 if self.size.width >= WIDE else 1), (2 if self.size.height >= HIGH else 1)
        count = max(1, min(columns * rows, len(names)))
        self.styles.grid_size_columns = min(columns, count)
        for place, plot in enumerate(self.query(Plot)):
            plot.display = place < count
            plot.draw(self._curves(names[place]) if place < min(count, len(names)) else [])

    def turn(self) -> None:
        """Begin with the figure after the first one shown."""
        names = self._names
        if names:
            self._chosen = names[1 % len(names)]
            self.draw(self._stage)

    @property
    def _names(self) -> list[str]:
        names = ordered(self._stage.names) if self._stage else []
        first = names.index(self._chosen) if self._chosen in names else 0
        return [*names[first:], *names[:first]]

    def _curves(self, name: str) -> list[Curve]:
        if self._stage is None:
            return []
        trained, held_out = self._stage.figures.get(name, []), self._stage.dev.get(name, [])
        learnt = Curve(name, trained, "primary", "*", jumps=name not in STEADY)
        return [learnt, Curve(f"dev {name}", held_out, "warning", "o")]
