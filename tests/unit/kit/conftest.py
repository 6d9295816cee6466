"""A project with runs, whose components do nothing: what is kept of them is what counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from loresmith import specs
from loresmith.files import write_json, write_text
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.options import Options
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from loresmith.runs.run import Run

STILL = {"kind": "still"}


class StillOptions(Options):
    k: int = 4


def _never(*_: Any) -> Any:
    raise AssertionError("a run builds nothing")


def _still(spec_type: type[Any], **more: Any) -> Any:
    return spec_type(name="still", summary="Does nothing", options=StillOptions, build=_never, **more)


class Still:
    """Offers a component of every kind that a recipe names."""

    @hookimpl
    def register_sources(self, register: Callable[[Any], None]) -> None:
        register(_still(specs.SourceSpec, gives=frozenset({"documents", "examples"})))

    @hookimpl
    def register_chunkers(self, register: Callable[[Any], None]) -> None:
        register(_still(specs.ChunkerSpec))

    @hookimpl
    def register_embedders(self, register: Callable[[Any], None]) -> None:
        register(_still(specs.EmbedderSpec))

    @hookimpl
    def register_stores(self, register: Callable[[Any], None]) -> None:
        register(_still(specs.StoreSpec))

    @hookimpl
    def register_retrievers(self, register: Callable[[Any], None]) -> None:
        register(_still(specs.RetrieverSpec))

    @hookimpl
    def register_engines(self, register: Callable[[Any], None]) -> None:
        register(_still(specs.EngineSpec))

    @hookimpl
    def register_methods(self, register: Callable[[Any], None]) -> None:
        register(_still(specs.MethodSpec))

    @hookimpl
    def register_metrics(self, register: Callable[[Any], None]) -> None:
        register(_still(specs.MetricSpec))


@pytest.fixture
def still_host() -> PluginHost:
    """A host whose every component is called `still`."""
    host = PluginHost(points=[])
    assert host.add(Still(), "still", version="9.9").state == "loaded"
    return host


@pytest.fixture
def still_recipe() -> Recipe:
    return Recipe.model_validate(
        {
            "name": "harbour-desk",
            "base": "tiny",
            "instructions": "You answer for the harbour.\nBe brief.",
            "engine": STILL,
            "knowledge": {
                "sources": [STILL],
                "chunker": STILL,
                "embedder": STILL,
                "store": STILL,
                "retriever": {**STILL, "k": 3},
            },
            "data": {"examples": [STILL]},
            "training": [{"method": "still"}],
            "evaluation": {"metrics": ["still"]},
        }
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose index has the fingerprint `index-1`."""
    root = tmp_path / "desk"
    write_text(root / "assistant.yaml", "name: harbour-desk\n")
    project = Project.open(root)
    write_json(project.index / "manifest.json", {"fingerprint": "index-1"})
    return project


@pytest.fixture
def make_run(project: Project, still_host: PluginHost, still_recipe: Recipe) -> Callable[..., Run]:
    """Make a run; `measured` rungs get a report (the last one ships) and an adapter."""

    def make(measured: Sequence[str] = (), index: str = "index-1", **more: Any) -> Run:
        run = Run.create(project, still_recipe, {"base": "base-1", "index": index}, host=still_host, **more)
        if measured:
            write_text(run.adapter / "adapter.safetensors", run.id)
            run.write_receipt("mask", {"trained_tokens": 7})
            write_json(run.report, report_of(run, measured))
            run.finish()
        return run

    return make


def report_of(run: Run, rungs: Sequence[str]) -> dict[str, Any]:
    figures = {"mean": 0.5, "low": 0.4, "high": 0.6}
    costs = {"tokens_in": 10.0, "tokens_out": 5.0, "seconds": 0.5}
    return {
        "run": run.id,
        "report": str(run.report_html),
        "rungs": {rung: {"n": 60, "metrics": {"still": figures}, **costs} for rung in rungs},
        "pairs": [],
        "minimum_detectable": {"still": 0.05},
        "strata": {},
        "evaluation": {"metric": "still", "margin": 0.02},
        "verdict": {"ship": rungs[-1], "decided": True, "why": "it is the only one that beats all cheaper ones"},
        "receipts": {},
    }
