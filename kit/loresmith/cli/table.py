"""Columns for people; `--json` is for programs."""

from __future__ import annotations

from collections.abc import Sequence

from loresmith.cli.errors import plain


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under their heads, columns aligned, the last one as long as it is."""
    cells = [[plain(cell).replace("\n", " ") for cell in row] for row in [heads, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines)
