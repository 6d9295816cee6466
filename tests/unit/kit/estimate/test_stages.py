"""Stages of methods that the core has never heard of are estimated by what their specs say."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from loresmith.estimate.bases import find_base
from loresmith.estimate.stages import StageEstimate, Wishes, of_project
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.modelstore.store import ModelStore
from loresmith.options import Options
from loresmith.project import Project
from loresmith.recipe.load import load_recipe
from loresmith.specs import Footprint, MethodSpec
from small_project import edit_recipe, write_project
from tiny_models import write_chat_model

REJECTED = "No." * 40


class PairOptions(Options):
    """Options of a method from elsewhere, which has no key but these."""

    batch: int = 3
    rank: int = 2
    teacher: str = ""


def footprint(options: PairOptions) -> Footprint:
    return Footprint(learns_from="preferences", rows=2, models=(options.teacher,) if options.teacher else ())


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chat_model(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def project(tmp_path: Path, base: Path) -> Project:
    root = write_project(tmp_path / "project", base, tmp_path / "no-embedder")
    rows = [{"prompt": f"Dog {n}?", "chosen": "Yes.", "rejected": REJECTED} for n in range(6)]
    (root / "data" / "preferences.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    edit_recipe(root, {"data.preferences": [{"kind": "jsonl", "path": "data/preferences.jsonl"}]})
    return Project.open(root)


def stages(project: Project, host: PluginHost, stage: dict[str, Any], **wishes: Any) -> list[StageEstimate]:
    plugin = ModuleType("pairs")
    spec = MethodSpec(name="pairs", summary="", options=PairOptions, build=_never, footprint=footprint)
    plugin.register_methods = hookimpl(lambda register: register(spec), specname="register_methods")  # type: ignore[attr-defined]
    host.add(plugin, "pairs")
    edit_recipe(project.root, {"training": [{"method": "pairs", **stage}]})
    recipe = load_recipe(project.recipe, host.registry)
    return of_project(project, recipe, host, find_base(recipe.base, ModelStore([])), Wishes(**wishes))


def _never(*_: Any) -> Any:
    raise AssertionError("nothing is built for an estimate")


def test_a_pair_is_two_rows_as_long_as_its_longer_reply(project: Project, host: PluginHost) -> None:
    (stage,) = stages(project, host, {"batch": 3})
    assert (stage.plan.batch, stage.plan.rank, stage.plan.adapter) == (6, 2, "lora")
    # The tiny tokenizer has a token a byte.
    assert len(REJECTED) < stage.plan.rows.trained < stage.plan.rows.length
    assert "6 preferences" in stage.plan.rows.source


def test_a_wished_batch_counts_pairs_too(project: Project, host: PluginHost) -> None:
    (stage,) = stages(project, host, {}, batch=5)
    assert stage.plan.batch == 10


def test_a_further_model_in_memory_is_counted(project: Project, host: PluginHost, base: Path) -> None:
    (stage,) = stages(project, host, {"teacher": str(base)})
    assert stage.beside == find_base(str(base), ModelStore([])).shapes.parameters
