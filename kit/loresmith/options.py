"""The base of all options models: what a component may be told in a recipe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


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
