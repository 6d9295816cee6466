"""The hook specifications: all a plugin can do is here.

A plugin is a module named by an entry point of the group `loresmith`. It implements some of these hooks:

    from loresmith.hooks import hookimpl
    from loresmith.specs import MetricSpec

    @hookimpl
    def register_metrics(register):
        register(MetricSpec(name="length", summary="Words in the answer", build=...))

Registration hooks are called once per plugin, when it is loaded. Each is handed one callable, `register`, which takes
one spec of the kind the hook names. Whatever is heavy is imported inside the spec's `build`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from loresmith.recipe.models import Stage
    from loresmith.runs.run import Run
    from loresmith.specs import (
        ChunkerSpec,
        EmbedderSpec,
        EngineSpec,
        ExporterSpec,
        MakerSpec,
        MethodSpec,
        MetricSpec,
        RecipeSpec,
        RerankerSpec,
        RetrieverSpec,
        ScreenSpec,
        SourceSpec,
        StageResult,
        StoreSpec,
        ToolSpec,
    )
    from loresmith.values import Answer, Hit, Trace

PROJECT = "loresmith"
"""Name of the pluggy project and of the entry-point group."""

API_VERSION = 1
"""Version of this contract. A plugin may set `loresmith_api = 1`; absent means 1."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

# ------------------------------------------------------------------------------------------------ registration


@hookspec(historic=True)
def register_sources(register: Callable[[SourceSpec], None]) -> None:
    """Called once to register where documents, examples or preferences come from. Added in 0.1."""


@hookspec(historic=True)
def register_chunkers(register: Callable[[ChunkerSpec], None]) -> None:
    """Called once to register ways to cut documents into chunks. Added in 0.1."""


@hookspec(historic=True)
def register_embedders(register: Callable[[EmbedderSpec], None]) -> None:
    """Called once to register what turns texts into vectors. Added in 0.1."""


@hookspec(historic=True)
def register_stores(register: Callable[[StoreSpec], None]) -> None:
    """Called once to register vector stores. Added in 0.1."""


@hookspec(historic=True)
def register_retrievers(register: Callable[[RetrieverSpec], None]) -> None:
    """Called once to register ways to find the chunks for a question. Added in 0.1."""


@hookspec(historic=True)
def register_rerankers(register: Callable[[RerankerSpec], None]) -> None:
    """Called once to register what orders hits anew. Added in 0.1."""


@hookspec(historic=True)
def register_engines(register: Callable[[EngineSpec], None]) -> None:
    """Called once to register what generates text. Added in 0.1."""


@hookspec(historic=True)
def register_methods(register: Callable[[MethodSpec], None]) -> None:
    """Called once to register ways to train. Added in 0.1."""


@hookspec(historic=True)
def register_makers(register: Callable[[MakerSpec], None]) -> None:
    """Called once to register what makes training data. Added in 0.1."""


@hookspec(historic=True)
def register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Called once to register how answers are scored. Added in 0.1."""


@hookspec(historic=True)
def register_exporters(register: Callable[[ExporterSpec], None]) -> None:
    """Called once to register formats an artefact can be exported to. Added in 0.1."""


@hookspec(historic=True)
def register_tools(register: Callable[[ToolSpec], None]) -> None:
    """Called once to register tools for agents. Added in 0.1."""


@hookspec(historic=True)
def register_recipes(register: Callable[[RecipeSpec], None]) -> None:
    """Called once to register recipes that `loresmith new` can start from. Added in 0.1."""


@hookspec(historic=True)
def register_screens(register: Callable[[ScreenSpec], None]) -> None:
    """Called once to register screens of the terminal app. Added in 0.1."""


# --------------------------------------------------------------------------------------------------- behaviour


@hookspec
def before_stage(run: Run, stage: Stage) -> None:
    """Called before a training stage starts. Added in 0.1."""


@hookspec
def after_stage(run: Run, stage: Stage, result: StageResult) -> None:
    """Called after a training stage ended well. Added in 0.1."""


@hookspec
def on_event(run: Run, event: Mapping[str, Any]) -> None:
    """Called for every event of a run, as it is written to `events.jsonl`. Added in 0.1."""


@hookspec
def filter_hits(query: str, hits: list[Hit], trace: Trace) -> None:
    """Called with what was retrieved for a query: drop from or reorder `hits` in place. Added in 0.1."""


@hookspec
def check_answer(answer: Answer, trace: Trace) -> None:
    """Called with an answer before it is shown, and while it streams with its sentences so far. Added in 0.1."""
