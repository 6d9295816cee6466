"""The rows of a form as an outline: which are to be seen, and which one has the cursor. Knows no screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from loresmith.errors import Problem
from loresmith.recipe.form import Row
from loresmith.recipe.positions import KeyPath


class Outline:
    """Rows below rows; what is below a folded one is not to be seen."""

    def __init__(self) -> None:
        self.rows: Sequence[Row] = ()
        self.lines: list[int] = []
        """Of each row that is to be seen its number among all."""
        self.cursor = 0
        """The line that has the cursor."""
        self._problems: Mapping[int, list[Problem]] = {}
        self._opened: dict[KeyPath, bool] = {}
        self._expected: KeyPath = ()

    def fill(self, rows: Sequence[Row], problems: Sequence[Problem]) -> bool:
        """Take other rows, and what is wrong with them; the cursor stays at its key path, or near.

        Returns:
            Whether there was a key path to stay at.
        """
        path, self._expected = self._expected or (self.row.path if self.row else ()), ()
        self.rows = rows
        places = {row.where: n for n, row in enumerate(rows)}
        found: dict[int, list[Problem]] = {}
        for problem in problems:
            found.setdefault(_nearest(places, problem.key), []).append(problem)
        self._problems = found
        self._lay_out()
        return self.go(path)

    # -------------------------------------------------------------------------------------------------- at the cursor

    @property
    def row(self) -> Row | None:
        """The row at the cursor."""
        return self.rows[self.lines[self.cursor]] if self.cursor < len(self.lines) else None

    @property
    def list_row(self) -> Row | None:
        """The list that the cursor is in, or at."""
        row, lists = self.row, ("list", "bases")
        if row is None or row.shape in lists:
            return row
        return next((each for each in self._above() if each.shape in lists), None)

    @property
    def item(self) -> Row | None:
        """The item of a list that the cursor is in, or at."""
        row = self.row
        above = [each for each in self._above() if each.item]
        return row if row is None or row.item else above[0] if above else None

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the row at the cursor, or below it where that is folded."""
        return self.problems_of(self.cursor) if self.row else []

    def move(self, line: int) -> None:
        """Bring the cursor to a line, or to the nearest there is."""
        self.cursor = max(0, min(line, len(self.lines) - 1))

    def go(self, path: KeyPath) -> bool:
        """Bring the cursor to a key path, or to what is around it; what hides it unfolds.

        Returns:
            Whether there is such a row.
        """
        paths = {row.path: n for n, row in enumerate(self.rows)}
        while path and path not in paths:
            path = path[:-1]
        if not path:
            return False
        for depth in range(1, len(path)):
            if path[:depth] in paths:
                self._opened[path[:depth]] = True
        self._lay_out()
        self.cursor = self.lines.index(paths[path])
        return True

    def expect(self, path: KeyPath) -> None:
        """Bring the cursor to a key path when there are other rows next."""
        self._expected = path

    def _above(self) -> Iterator[Row]:
        """Yield the rows that the row at the cursor belongs to, the innermost first."""
        if self.row is None:
            return
        depth = self.row.depth
        for number in range(self.lines[self.cursor] - 1, -1, -1):
            if self.rows[number].depth < depth:
                depth = self.rows[number].depth
                yield self.rows[number]

    # -------------------------------------------------------------------------------------------------------- folding

    def unfold(self, path: KeyPath) -> None:
        """Show what is below a row, as soon as there is such a row."""
        self._opened[path] = True

    def fold(self, opened: bool) -> None:
        """Show or hide what is below the row at the cursor; where nothing is to be hidden, go to the row around it."""
        row = self.row
        if row is None:
            return
        if self.has_children(self.lines[self.cursor]) and self.is_open(row) != opened:
            self._opened[row.path] = opened
            self._lay_out()
        elif not opened:
            self.go(next((each.path for each in self._above()), row.path))

    def has_children(self, number: int) -> bool:
        """Whether there are rows below a row."""
        return number + 1 < len(self.rows) and self.rows[number + 1].depth > self.rows[number].depth

    def is_open(self, row: Row) -> bool:
        """Whether what is below a row is to be seen."""
        first = row.shape in ("list", "bases") or (row.shape == "group" and row.depth == 0)
        return self._opened.get(row.path, first)

    def below(self, number: int) -> Iterator[Row]:
        """Yield the rows below a row, seen or not."""
        for row in self.rows[number + 1 :]:
            if row.depth <= self.rows[number].depth:
                return
            yield row

    def problems_of(self, line: int) -> list[Problem]:
        """Return what is wrong with the row of a line, and with the rows hidden below it."""
        number = self.lines[line]
        after = self.lines[line + 1] if line + 1 < len(self.lines) else len(self.rows)
        return [problem for each in range(number, after) for problem in self._problems.get(each, ())]

    def _lay_out(self) -> None:
        """Find out which rows are to be seen."""
        self.lines, hidden = [], None
        for number, row in enumerate(self.rows):
            if hidden is not None and row.depth > hidden:
                continue
            self.lines.append(number)
            hidden = row.depth if self.has_children(number) and not self.is_open(row) else None
        self.move(self.cursor)


def _nearest(places: Mapping[str, int], key: str) -> int:
    """Return the row of a key path, or of the nearest around it; -1 if there is none."""
    while key and key not in places:
        cut = max(key.rfind("."), key.rfind("["))
        key = key[:cut] if cut > 0 else ""
    return places.get(key, -1)
