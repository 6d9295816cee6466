"""Whether an answer has a form that a regular expression describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from loresmith.errors import UsageError
from loresmith.options import Options
from loresmith.specs import ScoredAnswer

if TYPE_CHECKING:
    import regex

SECONDS = 0.5
"""Longest time a match may take; an expression that repeats a repetition can take years."""


class PatternOptions(Options):
    """What an answer must look like."""

    expression: str = Field(
        default=r"\S", description=r"Regular expression; flags stand in it, as (?i); the default asks for anything"
    )
    match: Literal["search", "full"] = Field(
        default="search", description="Whether a part of the answer must match, or the whole of it"
    )

    @field_validator("expression")
    @classmethod
    def _readable(cls, expression: str) -> str:
        _compiled(expression)
        return expression


class Pattern:
    """Right or wrong: matches, or does not.

    Args:
        options: The expression, and how much of the answer it must match.
    """

    def __init__(self, options: PatternOptions) -> None:
        self._options, self._expression = options, _compiled(options.expression)

    def score(self, answer: ScoredAnswer) -> float:
        """Return 1.0 or 0.0.

        Raises:
            UsageError: If the expression finds no end on this answer.
        """
        matches = self._expression.fullmatch if self._options.match == "full" else self._expression.search
        try:
            return float(matches(answer.text, timeout=SECONDS) is not None)
        except TimeoutError as error:
            raise UsageError(
                f'the pattern "{self._options.expression}" was still at it after {SECONDS} s on an answer of '
                f"{len(answer.text)} characters",
                "It tries too many ways: avoid a repetition within a repetition, such as (a+)+ or (.*,)*.",
            ) from error


def _compiled(expression: str) -> regex.Pattern[str]:
    # The library's own `re` cannot be told to give up.
    import regex

    try:
        return regex.compile(expression)
    except regex.error as error:
        raise ValueError(f'"{expression}" is no regular expression: {error}') from error
