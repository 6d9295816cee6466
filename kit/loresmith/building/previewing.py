"""What a training stage sees: its rendered examples, made by the very code that trains."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from loresmith.building.materials import Materials, gather
from loresmith.building.stage_context import StageContexts, Started
from loresmith.data.preference_sides import divide
from loresmith.data.split import FrozenSplit, foreseen
from loresmith.errors import UsageError
from loresmith.host import PluginHost
from loresmith.interruption import Interruption
from loresmith.knowledge.lookup import Lookup, open_lookup
from loresmith.modelstore.store import Report
from loresmith.project import Project
from loresmith.recipe.components import resolve_stage
from loresmith.specs import MaskReceipt
from loresmith.values import Hit, Weights

SHOWN = 6
"""Examples that are looked at; a receipt renders no more."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Some examples of the training side as a stage sees them.

    Args:
        stage: The stage's place in the recipe.
        method: Its method.
        first: Place of the first example shown, from 0.
        total: Examples on the training side.
        receipt: What these examples train, with rendered samples.
    """

    stage: int
    method: str
    first: int
    total: int
    receipt: MaskReceipt

    @property
    def after(self) -> int | None:
        """Place of the example after those shown, or None."""
        return self.first + SHOWN if self.first + SHOWN < self.total else None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `data preview --json` prints."""
        return asdict(self)


def marked(text: str, trained: bool | None) -> str:
    """Return a run of a rendered example with its signs: what is trained in braces, what the window cuts in tildes."""
    return f"~{text}~" if trained is None else f"{{{text}}}" if trained else text


def preview(project: Project, host: PluginHost, report: Report, *, stage: int = 0, first: int = 0) -> Preview:
    """Render examples of the training side as a stage would read them. No weights are loaded for supervised stages.

    Args:
        project: The project, whose split is frozen.
        host: The plugins.
        report: Told how far a model is fetched.
        stage: The stage's place in the recipe.
        first: The first example to show.

    Raises:
        UsageError: If there is no such stage or example, or if the split is not frozen yet.
        DataError: If an example cannot be trained on.
    """
    if not project.split.exists():
        raise UsageError(
            "the split is not frozen yet, so what is trained is open", "Freeze it: `loresmith data split`."
        )
    materials = gather(project, host, report)
    stages = materials.recipe.training
    if stage >= len(stages):
        raise UsageError(f"the recipe has no training stage {stage}", f"It has {len(stages)}, counted from 0.")
    split, _ = foreseen(project, materials.examples, materials.recipe.data.split)
    if first >= len(split.train):
        raise UsageError(f"there is no example {first}", f"The training side has {len(split.train)}, counted from 0.")
    receipt = _receipt(materials, split, stage, first, report)
    return Preview(stage, stages[stage].method, first, len(split.train), receipt)


class _Index:
    """The index, opened when a stage looks something up: one that does not is shown without an index."""

    def __init__(self, materials: Materials) -> None:
        self._materials = materials

    @cached_property
    def _lookup(self) -> Lookup:
        materials = self._materials
        return open_lookup(materials.project, materials.recipe, materials.host, materials.resolve_model)

    def prepare(self) -> None:
        """Build what is kept beside the vectors."""
        self._lookup.prepare()

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query its hits."""
        return self._lookup.search(queries, k)


def _receipt(materials: Materials, split: FrozenSplit, number: int, first: int, report: Report) -> MaskReceipt:
    recipe, host = materials.recipe, materials.host
    sides = divide(materials.preferences, split, recipe.data.split.test, recipe.data.split.seed)
    spec, options = resolve_stage(host.registry, recipe.training[number])
    with tempfile.TemporaryDirectory() as folder:
        started = Started(number, recipe.training[number], Weights(), Path(folder), resume=False)
        contexts = StageContexts(materials, split, sides, None, _Index(materials), Interruption(), report)
        chosen = split.train[first : first + SHOWN]
        receipt = spec.build(
            options, replace(contexts.of(started), train=chosen, dev=split.dev[:SHOWN], looking=True)
        ).receipt()
    # The warnings are about how much there is to learn, and these are but a few.
    return replace(receipt, warnings=())
