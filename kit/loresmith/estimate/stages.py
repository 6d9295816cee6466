"""An estimate for a recipe's stages, or for one stage without a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from loresmith.data.reading import read_examples, read_preferences
from loresmith.estimate.bases import Base, find_base
from loresmith.estimate.plan import Plan, Rows, plan_of, whole
from loresmith.estimate.rows import CHARACTERS, assumed, counter, of_examples, of_preferences, within
from loresmith.host import PluginHost
from loresmith.modelstore.store import ModelStore
from loresmith.project import Project
from loresmith.recipe.components import resolve, resolve_stage
from loresmith.recipe.models import Recipe
from loresmith.specs import ChunkerSpec

ASSUMED = Plan("lora", assumed(512, "assumed"), batch=4, checkpointing=True)
"""A stage without a recipe: as published figures are measured, with gradient checkpointing and short rows."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be other than the recipe says; None leaves it.

    Args:
        length: Tokens of the longest row.
        trained_bytes: Bytes of a weight that trains.
    """

    adapter: Any = None
    rank: int | None = None
    batch: int | None = None
    length: int | None = None
    checkpointing: bool | None = None
    trained_bytes: int | None = None

    def on(self, plan: Plan) -> Plan:
        """Return the plan as wished."""
        names = ("adapter", "rank", "batch", "checkpointing", "trained_bytes")
        plan = replace(plan, **{name: value for name in names if (value := getattr(self, name)) is not None})
        return plan if self.length is None else replace(plan, rows=assumed(self.length, "as asked for"))


@dataclass(frozen=True, slots=True)
class StageEstimate:
    """A stage that is to be estimated; `beside` counts the parameters of further models in memory."""

    number: int
    method: str
    plan: Plan
    beside: int = 0


def single(base: Base, wishes: Wishes) -> list[StageEstimate]:
    """Return one supervised stage on a base, without a recipe."""
    return [StageEstimate(0, "sft", _fitted(wishes.on(ASSUMED), base))]


def of_project(project: Project, recipe: Recipe, host: PluginHost, base: Base, wishes: Wishes) -> list[StageEstimate]:
    """Return the stages of a project's recipe; nothing is loaded, only its data are read.

    Raises:
        DataError: If the data are wrong.
        ModelError: If a further model that a stage holds is unknown.
    """
    store = ModelStore.for_host(host, project.root)
    read = _reader(project, recipe, host, base)
    found = []
    for number, stage in enumerate(recipe.training):
        spec, options = resolve_stage(host.registry, stage)
        footprint = spec.footprint(options)
        batch = wishes.batch or whole(options, "batch", 1)
        plan = plan_of(options, footprint, read(footprint.learns_from, batch, whole(options, "passages", 0)))
        wished = replace(wishes, batch=wishes.batch * footprint.rows) if wishes.batch else wishes
        beside = sum(find_base(name, store).shapes.parameters for name in footprint.models)
        found.append(StageEstimate(number, stage.method, _fitted(wished.on(plan), base), beside))
    return found


def _fitted(plan: Plan, base: Base) -> Plan:
    return replace(plan, rows=within(plan.rows, base.shapes.window))


def _reader(project: Project, recipe: Recipe, host: PluginHost, base: Base) -> Callable[[str, int, int], Rows]:
    """Return what reads the longest rows of the project's data; the same is read once."""
    count, how = counter(base.folder)
    chunk = _chunk_size(recipe, host)

    @cache
    def examples() -> Sequence[Any]:
        return read_examples(host.registry, recipe.data.examples, project.root)

    @cache
    def preferences() -> Sequence[Any]:
        return read_preferences(host.registry, recipe.data.preferences, project.root)

    def rows(learns_from: str, batch: int, passages: int) -> Rows:
        if learns_from == "preferences" and preferences():
            found = of_preferences(preferences(), recipe.instructions, count, batch)
        else:
            found = of_examples(examples(), recipe.instructions, passages * chunk, count, batch)
        return replace(found, source=f"{found.source}, counted with {how}")

    return rows


def _chunk_size(recipe: Recipe, host: PluginHost) -> int:
    """Characters of a passage: what the chunker's options `section` or `size` say, or a usual size."""
    _, options = resolve(host.registry, ChunkerSpec, recipe.knowledge.chunker)
    size = getattr(options, "section", getattr(options, "size", None))
    if not isinstance(size, int):
        return 800
    return round(size * CHARACTERS) if hasattr(options, "tokenizer") else size
