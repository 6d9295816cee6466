"""The base of all options models: what a component may be told in a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from loresmith.errors import Problem


class Named(NamedTuple):
    """A component that options name: the key path to it, what kind of plugin it wants, and its mapping."""

    key: tuple[str | int, ...]
    wanted: Literal["engine", "metric"]
    component: Mapping[str, Any]


class Options(BaseModel):
    """Options of one component. Unknown keys are refused; values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    def changed(self) -> list[str]:
        """Return the names of the options that have another value than their default.

        What rules out an option asks this and not what was written: a resolved recipe spells out every default.
        """
        fields = type(self).model_fields
        return [
            name
            for name, field in fields.items()
            if getattr(self, name) != field.get_default(call_default_factory=True)
        ]

    def files(self) -> tuple[str, ...]:
        """Return the paths, relative to the project, of files whose contents shape the outcome; none by default."""
        return ()

    def named(self) -> Sequence[Named]:
        """Return the components that the options name, such as a critic, to be checked with the recipe."""
        return ()

    def problems(self, root: Path) -> list[Problem]:
        """Return what is wrong with the files of `files`, seen from the project folder `root`.

        A problem without a file is one of the recipe, at the option that its key names.
        """
        return [
            Problem(f'there is no file "{name}"', key=self._key_of(name), hint=f'It is looked for in "{root.name}".')
            for name in self.files()
            if not (root / Path(name).expanduser()).is_file()
        ]

    def _key_of(self, value: str) -> str:
        return next((name for name in type(self).model_fields if getattr(self, name) == value), "")
