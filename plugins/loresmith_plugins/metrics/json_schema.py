"""Whether an answer is JSON of a given shape (JSON Schema, draft 2020-12 unless the schema names another)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

from pydantic import Field, field_validator

from loresmith.options import Options
from loresmith.specs import ScoredAnswer


class JsonSchemaOptions(Options):
    """What an answer must be."""

    definition: dict[str, Any] = Field(
        default_factory=dict, description="JSON Schema that the answer must satisfy; empty takes any JSON"
    )

    @field_validator("definition")
    @classmethod
    def _valid(cls, definition: dict[str, Any]) -> dict[str, Any]:
        from jsonschema import SchemaError
        from jsonschema.validators import Draft202012Validator, validator_for

        try:
            validator_for(definition, default=Draft202012Validator).check_schema(definition)
        except SchemaError as error:
            raise ValueError(f"this is no JSON Schema: {error.message}") from error
        outside = [reference for reference in _references(definition) if not reference.startswith("#")]
        if outside:
            raise ValueError(f'"{outside[0]}" lies outside the schema; only references within it (#/...) are followed')
        _resolve_all(definition)
        return definition


class JsonSchema:
    """Right or wrong: the whole answer parses as JSON and satisfies the schema.

    Args:
        options: The schema.
    """

    def __init__(self, options: JsonSchemaOptions) -> None:
        from jsonschema.validators import Draft202012Validator, validator_for
        from referencing import Registry

        checks = validator_for(options.definition, default=Draft202012Validator)
        # With a registry of its own the library asks no network for a reference.
        self._validator = checks(options.definition, registry=Registry())

    def score(self, answer: ScoredAnswer) -> float:
        """Return 1.0 or 0.0."""
        try:
            value = json.loads(answer.text, parse_constant=_refuse)
        # Numbers of thousands of digits, NaN, and brackets a thousand deep: no JSON that anybody could use.
        except (ValueError, RecursionError):
            return 0.0
        return float(self._validator.is_valid(value))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _resolve_all(definition: dict[str, Any]) -> None:
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    whole = Resource.from_contents(definition, default_specification=DRAFT202012)
    resolver = Registry().with_resource("", whole).resolver()
    for reference in _references(definition):
        try:
            resolver.lookup(reference)
        except Unresolvable as error:
            raise ValueError(f'"{reference}" refers to nothing in the schema') from error


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key in ("$ref", "$dynamicRef") and isinstance(value, str))
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _references(inner)
