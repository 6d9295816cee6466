"""Where every value stands in the text of a recipe: from which character to which, and in which style."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import yaml

from loresmith.errors import RecipeError
from loresmith.recipe.positions import KeyPath

Kind = Literal["scalar", "list", "mapping", "alias"]


@dataclass(slots=True)
class Part:
    """A value in the text.

    Args:
        start: Where it begins; its anchor and tag are of it.
        end: Where it ends, without blank lines and comments that follow.
        flow: Whether it is a list or mapping between brackets.
        inside: Whether it stands between the brackets of another.
        column: In which column the entries of a block stand.
        entries: Key (of a mapping's entry) and value of each.
    """

    kind: Kind
    start: int
    end: int
    flow: bool = False
    inside: bool = False
    column: int = 0
    text: str = ""
    entries: list[tuple[Part | None, Part]] = field(default_factory=list)

    def find(self, key: str | int) -> Part | None:
        """Return the value of a key, or of a place in a list; None if there is none."""
        if self.kind == "list":
            return self.entries[key][1] if isinstance(key, int) and 0 <= key < len(self.entries) else None
        return next((value for name, value in self.entries if name is not None and name.text == key), None)

    def place(self, key: str | int) -> int:
        """Return the number of the entry with a key; -1 if there is none."""
        found = self.find(key)
        return next((n for n, (_, value) in enumerate(self.entries) if value is found), -1)


class Layout:
    """The places of all values of a text, which must be YAML.

    Args:
        text: The text.

    Raises:
        RecipeError: If it is not YAML.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._events: Iterator[Any] = yaml.parse(text, yaml.SafeLoader)
        self._brackets = 0
        try:
            self.root = self._document()
        except (yaml.YAMLError, RecursionError) as error:
            raise RecipeError("the text is not YAML at the moment", [], "Mend that first.") from error

    def at(self, path: KeyPath) -> Part | None:
        """Return the part at a key path, or None."""
        part = self.root
        for key in path:
            part = part.find(key) if part else None
        return part

    def line_start(self, place: int) -> int:
        """Return where the line of a place begins."""
        return self.text.rfind("\n", 0, place) + 1

    def line_end(self, place: int) -> int:
        """Return where the line of a place ends, after its line feed."""
        found = self.text.find("\n", place)
        return len(self.text) if found < 0 else found + 1

    def indent(self, place: int) -> int:
        """Return in which column a place is."""
        return place - self.line_start(place)

    def dash(self, item: Part) -> int:
        """Return where the dash of a block list's item is."""
        return self._dashes[bisect_left(self._dashes, item.start) - 1]

    @cached_property
    def _dashes(self) -> list[int]:
        tokens = yaml.scan(self.text, yaml.SafeLoader)
        return [token.start_mark.index for token in tokens if isinstance(token, yaml.BlockEntryToken)]

    def _document(self) -> Part | None:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                return self._part(next(self._events))
        return None

    def _part(self, event: Any) -> Part:
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, yaml.AliasEvent):
            return Part("alias", start, end, inside=bool(self._brackets))
        if isinstance(event, yaml.ScalarEvent):
            block = event.style in ("|", ">")
            # PyYAML counts the blank lines after a block into it.
            end = start + len(self.text[start:end].rstrip()) if block else end
            return Part("scalar", start, end, inside=bool(self._brackets), text=event.value)
        return self._collection(event, start)

    def _collection(self, event: Any, start: int) -> Part:
        mapping = isinstance(event, yaml.MappingStartEvent)
        flow = bool(event.flow_style)
        part = Part("mapping" if mapping else "list", start, start, flow, bool(self._brackets))
        self._brackets += flow
        while not isinstance(event := next(self._events), yaml.CollectionEndEvent):
            key = self._part(event) if mapping else None
            part.entries.append((key, self._part(next(self._events) if mapping else event)))
        self._brackets -= flow
        if flow and event.end_mark:
            part.end = event.end_mark.index
        elif part.entries:
            part.end = part.entries[-1][1].end
            first = part.entries[0][0] or part.entries[0][1]
            part.column = self.indent(first.start if mapping else self.dash(first))
        return part
