"""Curves drawn with characters: Braille dots, eight to a cell, or one sign a cell where there is but ASCII."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from operator import itemgetter

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from loresmith.runs.smoothing import running_mean
from loresmith_tui.shown import signs

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a Braille cell, row by row."""
EMPTY = (0, "", " ")
"""Dots, colour and sign of a cell in which no curve is."""
ENOUGH = 20
"""Points from which on their mean says more than they do."""
LABEL = 9
"""Columns of the labels at the left."""
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve; its points are drawn in a colour of the theme.

    Args:
        name: Stands in the legend; one without a name does not.
        points: By rising x.
        colour: Name of the theme's colour.
        sign: What it is drawn with in ASCII.
        jumps: Whether the running mean is drawn over its points, and they dimly: as soon as there are enough of them.
    """

    name: str
    points: Points
    colour: str
    sign: str = "*"
    jumps: bool = False


class Plot(Widget):
    """Curves over one axis. A point that is no finite number is left out."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id)
        self._curves: list[Curve] = []
        self._means: list[Points] = []

    def draw(self, curves: Sequence[Curve]) -> None:
        """Show other curves."""
        self._curves = [replace(each, points=[p for p in each.points if math.isfinite(p[1])]) for each in curves]
        self._means = [
            running_mean(each.points) if each.jumps and len(each.points) >= ENOUGH else () for each in self._curves
        ]
        self.refresh()

    def render(self) -> Text:
        """Draw for the size there is."""
        width, height = self.size.width - LABEL - 1, self.size.height - 2
        if not any(curve.points for curve in self._curves) or width < 8 or height < 2:
            return Text("")
        # More than one point for each place would only blur the curve, and take its time.
        places = width * (2 if signs().braille else 1)
        drawn = [replace(curve, points=thinned(curve.points, places)) for curve in self._layers()]
        canvas = _Canvas(width, height, [point for curve in drawn for point in curve.points])
        for curve in drawn:
            canvas.add(curve, self.app.theme_variables[curve.colour])
        return canvas.text(self._legend())

    def _layers(self) -> Iterator[Curve]:
        """Yield what is drawn, the lowest first."""
        layers = list(zip(self._curves, self._means, strict=True))
        yield from (replace(curve, colour=f"{curve.colour}-muted", sign=".") for curve, mean in layers if mean)
        yield from (replace(curve, points=mean or curve.points) for curve, mean in layers)

    def _legend(self) -> Text:
        legend = Text()
        for curve, means in zip(self._curves, self._means, strict=True):
            if curve.points and curve.name:
                sign = signs().mean if signs().braille else curve.sign
                mean = f", mean {means[-1][1]:.4g}" if means else ""
                said = f" {sign} {curve.name} {curve.points[-1][1]:.4g}{mean} "
                legend.append(said, self.app.theme_variables[curve.colour])
        return legend


def thinned(points: Points, most: int) -> Points:
    """Return so many points at most: neighbours become one at the mean of both their coordinates."""
    if len(points) <= most:
        return points
    bounds = [round(n * len(points) / most) for n in range(most + 1)]
    lots = [points[begin:end] for begin, end in pairwise(bounds)]
    return [(sum(x for x, _ in lot) / len(lot), sum(y for _, y in lot) / len(lot)) for lot in lots]


class _Canvas:
    """Cells with the dots and the colour that each has."""

    def __init__(self, width: int, height: int, points: Points) -> None:
        self.width, self.height, self.fine = width, height, signs().braille
        xs, ys = [x for x, _ in points], [y for _, y in points]
        self.x, self.y = (min(xs), max(xs)), (min(ys), max(ys))
        self.cells: dict[tuple[int, int], tuple[int, str, str]] = {}

    def add(self, curve: Curve, colour: str) -> None:
        before: tuple[int, int] | None = None
        for point in curve.points:
            now = self._place(point)
            for column, row in _line(before or now, now):
                self._dot(column, row, colour, curve.sign)
            before = now

    def _place(self, point: tuple[float, float]) -> tuple[int, int]:
        columns, rows = self.width * (2 if self.fine else 1), self.height * (4 if self.fine else 1)
        across = _share(point[0], self.x) * (columns - 1)
        up = _share(point[1], self.y) * (rows - 1)
        return round(across), rows - 1 - round(up)

    def _dot(self, column: int, row: int, colour: str, sign: str) -> None:
        cell = (row // 4, column // 2) if self.fine else (row, column)
        bits = self.cells.get(cell, EMPTY)[0]
        self.cells[cell] = (bits | (DOTS[row % 4][column % 2] if self.fine else 0), colour, sign)

    def text(self, legend: Text) -> Text:
        lines = [self._row(row) for row in range(self.height)]
        begin, end = f"{self.x[0]:g}", f"{self.x[1]:g}"
        axis = Text(" " * (LABEL + 1) + begin + end.rjust(self.width - len(begin)), "dim")
        return Text("\n").join([*lines, axis, Text(" " * LABEL) + legend])

    def _row(self, row: int) -> Text:
        ends = {0: self.y[1], self.height - 1: self.y[0]}
        label = f"{ends[row]:.4g}" if row in ends else ""
        text = Text(label.rjust(LABEL) + "|", "dim")
        cells = (self.cells.get((row, column), EMPTY) for column in range(self.width))
        for colour, run in groupby(cells, key=itemgetter(1)):
            drawn = "".join(chr(0x2800 + bits) if self.fine and colour else sign for bits, _, sign in run)
            text.append(drawn, Style(color=colour) if colour else None)
        return text


def _share(value: float, span: tuple[float, float]) -> float:
    low, high = span
    return (value - low) / (high - low) if high > low else 0.5


def _line(begin: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    steps = max(abs(end[0] - begin[0]), abs(end[1] - begin[1]), 1)
    return [
        (round(begin[0] + (end[0] - begin[0]) * i / steps), round(begin[1] + (end[1] - begin[1]) * i / steps))
        for i in range(steps + 1)
    ]
