"""Source `jsonl`: examples, preferences or documents, one JSON object a line.

Which of the three depends on where the recipe names the source. Every bad row is a problem with its line and key; all
problems are raised together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from loresmith.errors import DataError
from loresmith.options import Options
from loresmith.specs import Gives
from loresmith.values import Document, Example, Preference
from loresmith_plugins.sources import jsonl_documents, jsonl_examples, jsonl_preferences
from loresmith_plugins.sources.jsonl_foreign import without_system
from loresmith_plugins.sources.jsonl_lines import read_objects
from loresmith_plugins.sources.jsonl_row import BadRow, Row

_READERS: Mapping[Gives, Callable[[Row], Document | Example | Preference]] = {
    "documents": jsonl_documents.document,
    "examples": jsonl_examples.example,
    "preferences": jsonl_preferences.preference,
}
_KEYS = jsonl_documents.KEYS | jsonl_examples.KEYS | jsonl_preferences.KEYS


class JsonlOptions(Options):
    """Options of source `jsonl`."""

    path: str = Field(min_length=1, description="The file, relative to the project")
    keys: dict[str, str] = Field(
        default={}, description="Names the file uses in place of ours, as in {grounding: doc, question: title}"
    )
    system: Literal["refuse", "drop"] = Field(
        default="refuse",
        description="What to do with a conversation's own system message; the recipe's instructions are what is served",
    )

    @field_validator("keys")
    @classmethod
    def _known(cls, keys: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(keys) - _KEYS):
            raise ValueError(f'no key named "{unknown[0]}"; there are {", ".join(sorted(_KEYS))}')
        return keys


class JsonlSource:
    """Reads the rows of one file.

    Args:
        options: What the recipe says.
        root: The project folder.
    """

    def __init__(self, options: JsonlOptions, root: Path) -> None:
        self._path = root / Path(options.path).expanduser()
        self._shown = options.path
        self._keys = options.keys
        self._drops_system = options.system == "drop"

    def read(self, gives: Gives) -> list[Document] | list[Example] | list[Preference]:
        """Return what the rows hold, in their order.

        Raises:
            DataError: With every row that is wrong, or if there is no row at all.
        """
        objects, problems = read_objects(self._path, self._shown)
        values = []
        for line, data in objects:
            row = Row(self._shown, line, self._renamed(data))
            try:
                values.append(_READERS[gives](row))
            except BadRow:
                problems += row.problems
        if gives == "documents":
            problems += jsonl_documents.repeated(values, [line for line, _ in objects], self._shown)
        if problems:
            raise DataError(f"{gives} cannot be read", sorted(problems, key=lambda problem: problem.line))
        return values  # type: ignore[return-value]  # all of the one kind that was asked for

    def _renamed(self, data: dict[str, object]) -> dict[str, object]:
        moved = {ours: data[theirs] for ours, theirs in self._keys.items() if theirs in data}
        taken = set(self._keys.values())
        renamed = {key: value for key, value in data.items() if key not in taken} | moved
        return without_system(renamed) if self._drops_system else renamed
