"""The styles of the app, each parsed once for a theme.

The library parses all of them anew whenever a room is entered for the first time, and whenever a widget of a new kind
appears, for it keeps 64 parsed sources and an app has three times as many: a tenth of a second, each time, in which no
key is answered.
"""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet

SOURCES = 1024
"""Parsed sources that are kept."""


class LastingStyles(Stylesheet):
    """A stylesheet that keeps what it parsed until the variables of the theme change.

    Args:
        variables: The theme's.
    """

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take other variables; the same ones change nothing."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what is new, or everything if the variables changed; raises StylesheetParseError and keeps the old."""
        self.parse()
