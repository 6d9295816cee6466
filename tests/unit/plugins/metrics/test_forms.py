"""Forms that can be checked: a pattern, a schema."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from loresmith.errors import UsageError
from loresmith.specs import ScoredAnswer
from loresmith.testing import SAMPLE_EXAMPLES
from loresmith_plugins.metrics.json_schema import JsonSchema, JsonSchemaOptions
from loresmith_plugins.metrics.pattern import Pattern, PatternOptions


def answered(text: str) -> ScoredAnswer:
    return ScoredAnswer(SAMPLE_EXAMPLES[0], text, (), refused=False)


# -------------------------------------------------------------------------------------------------------- pattern


@pytest.mark.parametrize(
    ("expression", "match", "text", "right"),
    [
        (r"Next: [^.]+\.$", "search", "At nine. Next: buy a tally.", 1.0),
        (r"Next: [^.]+\.$", "search", "At nine. Next: buy a tally. Bye", 0.0),
        (r"\d\d:\d\d", "search", "The 07:40 boat", 1.0),
        (r"\d\d:\d\d", "full", "The 07:40 boat", 0.0),
        (r"\d\d:\d\d", "full", "07:40", 1.0),
        (r"(?i)TALLY", "search", "a tally", 1.0),
        (r"\S", "search", "", 0.0),
    ],
)
def test_a_pattern_matches_a_part_or_the_whole(expression: str, match: Any, text: str, right: float) -> None:
    assert Pattern(PatternOptions(expression=expression, match=match)).score(answered(text)) == right


def test_what_is_no_expression_is_refused_with_the_recipe() -> None:
    with pytest.raises(ValidationError, match=r'"\(a" is no regular expression: missing \)'):
        PatternOptions(expression="(a")


def test_an_expression_that_would_take_years_is_stopped_and_named() -> None:
    endless = Pattern(PatternOptions(expression=r"(a|aa|b?a)+$"))
    with pytest.raises(UsageError, match=r'the pattern ".*" was still at it after 0.5 s .* of 4001 characters') as slow:
        endless.score(answered("a" * 4000 + "!"))
    assert "a repetition within a repetition" in slow.value.hint


# --------------------------------------------------------------------------------------------------------- schema

FARE = {
    "type": "object",
    "required": ["fare"],
    "additionalProperties": False,
    "properties": {"fare": {"$ref": "#/$defs/amount"}},
    "$defs": {"amount": {"type": "number", "minimum": 0}},
}


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('{"fare": 9.4}', 1.0),
        (' {"fare": 9.4}\n', 1.0),
        ('{"fare": -1}', 0.0),
        ('{"fare": "9.4"}', 0.0),
        ('{"fare": 9.4, "more": 1}', 0.0),
        ('The fare is {"fare": 9.4}', 0.0),
        ('{"fare": NaN}', 0.0),
        ("", 0.0),
        ("[" * 100_000, 0.0),
        ('{"fare": ' + "9" * 5000 + "}", 0.0),
    ],
)
def test_the_whole_answer_must_be_json_that_satisfies_the_schema(text: str, right: float) -> None:
    assert JsonSchema(JsonSchemaOptions(definition=FARE)).score(answered(text)) == right


def test_without_a_schema_any_json_will_do() -> None:
    some = JsonSchema(JsonSchemaOptions())
    assert [some.score(answered(text)) for text in ("[1, null]", '"a"', "at nine")] == [1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        ({"type": "objekt"}, "this is no JSON Schema: 'objekt' is not valid"),
        ({"$ref": "https://example.org/fare.json"}, '"https://example.org/fare.json" lies outside the schema'),
        (
            {"items": [{"$ref": "#/$defs/none"}], "$schema": "https://json-schema.org/draft/2019-09/schema"},
            "nothing in",
        ),
    ],
)
def test_a_schema_that_cannot_be_checked_against_is_refused_with_the_recipe(
    definition: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        JsonSchemaOptions(definition=definition)
    assert says in str(refused.value)
