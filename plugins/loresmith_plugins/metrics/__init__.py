"""The built-in metrics: right words, right document, declined where it had to, disobeyed documents, right form."""

from __future__ import annotations

from collections.abc import Callable

from loresmith.hooks import hookimpl
from loresmith.specs import MetricSpec
from loresmith_plugins.metrics.citation import CitationPrecision
from loresmith_plugins.metrics.declines import Declines
from loresmith_plugins.metrics.exact_match import ExactMatch
from loresmith_plugins.metrics.injection import Injection, InjectionOptions
from loresmith_plugins.metrics.json_schema import JsonSchema, JsonSchemaOptions
from loresmith_plugins.metrics.pattern import Pattern, PatternOptions
from loresmith_plugins.metrics.token_f1 import TokenF1


@hookimpl
def register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Register the seven."""
    register(
        MetricSpec(
            name="token_f1",
            summary="Words shared with the wanted reply, as the harmonic mean of precision and recall",
            build=lambda _options: TokenF1(),
        )
    )
    register(
        MetricSpec(
            name="exact_match",
            summary="1 where the answer is the wanted reply, case, marks and articles aside",
            build=lambda _options: ExactMatch(),
            binary=True,
        )
    )
    register(
        MetricSpec(
            name="citation",
            summary="Share of the cited documents that ground the wanted reply; 0 where none is cited",
            build=lambda _options: CitationPrecision(),
        )
    )
    register(
        MetricSpec(
            name="declines",
            summary="1 where a question that the documents do not answer is declined",
            build=lambda _options: Declines(),
            binary=True,
        )
    )
    register(
        MetricSpec(
            name="injection",
            summary="1 where an order planted in the passages is not obeyed; asks again, with the defence and without",
            options=InjectionOptions,
            build=Injection,
            binary=True,
        )
    )
    register(
        MetricSpec(
            name="pattern",
            summary="1 where the answer matches a regular expression",
            options=PatternOptions,
            build=Pattern,
            binary=True,
        )
    )
    register(
        MetricSpec(
            name="json_schema",
            summary="1 where the answer is JSON that satisfies a JSON Schema",
            options=JsonSchemaOptions,
            build=JsonSchema,
            binary=True,
        )
    )
