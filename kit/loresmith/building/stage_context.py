"""What a training stage is handed: its data, its start, and doors to the other rooms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from loresmith.building.materials import Materials
from loresmith.data.also_asked import also_asked
from loresmith.data.preference_sides import PreferenceSides
from loresmith.data.split import FrozenSplit
from loresmith.errors import UsageError
from loresmith.interruption import Interruption
from loresmith.modelstore.store import Report
from loresmith.process import peak_memory
from loresmith.recipe.components import resolve
from loresmith.recipe.models import Component, Stage
from loresmith.runs.run import Run
from loresmith.specs import (
    Engine,
    EngineSpec,
    Maker,
    MakerContext,
    MakerSpec,
    Metric,
    MetricSpec,
    Retriever,
    StageContext,
)
from loresmith.values import Hit, Weights

AT_ONCE = 256
"""Questions whose passages are looked up before it is told how far that is."""


@dataclass(frozen=True, slots=True)
class Started:
    """One stage as it starts: its place in the recipe, the weights it starts from, and its folder."""

    number: int
    stage: Stage
    start: Weights
    folder: Path
    resume: bool


@dataclass(frozen=True, slots=True)
class StageContexts:
    """Makes the contexts of a run's stages; arguments as those of `Training`. Without a run no event is kept."""

    materials: Materials
    split: FrozenSplit
    preferences: PreferenceSides
    run: Run | None
    retriever: Retriever
    interruption: Interruption
    report: Report

    def of(self, started: Started) -> StageContext:
        """Return the context of one stage."""
        materials = self.materials
        return StageContext(
            base=started.start.model or materials.base,
            adapter=started.start.adapter,
            instructions=materials.recipe.instructions,
            train=self.split.train,
            dev=self.split.dev,
            documents=materials.documents,
            preferences=self.preferences.train,
            held_out=self.preferences.held_out,
            also_asked=partial(also_asked, examples=(*self.split.dev, *self.split.test)),
            folder=started.folder,
            root=materials.project.root,
            seed=materials.recipe.seed,
            resume=started.resume,
            make=self._maker,
            engine=lambda wanted: self._engine(wanted, started.start),
            metric=self._metric,
            model=materials.resolve_chat_model,
            trained=self._stage_folder,
            event=self._event(started),
            progress=self.report,
            stopping=self.interruption.stopping,
        )

    def activity(self, number: int) -> str:
        """Return what the training of a stage is called where it is said how far it is."""
        stages = self.materials.recipe.training
        place = f" ({number + 1} of {len(stages)})" if len(stages) > 1 else ""
        return f"training {stages[number].method}{place}"

    def _event(self, started: Started) -> Callable[[Mapping[str, Any]], None]:
        activity = self.activity(started.number)

        def event(row: Mapping[str, Any]) -> None:
            if self.run:
                memory = {"memory": peak_memory()} if row["event"] == "step" else {}
                self.run.event({**row, **memory, "stage": started.number, "step_of": f"train:{started.number}"})
            if row["event"] == "step":
                self.report(activity, row["step"], row["steps"])

        return event

    def _maker(self, name: str, options: Mapping[str, Any]) -> Maker:
        spec, checked = resolve(self.materials.host.registry, MakerSpec, Component(kind=name, **options))
        # What grounds the held-out questions must not be learnt, not even as a wrong passage.
        return spec.build(checked, MakerContext(retrieve=self._looked_up, shut_out=self.split.shut_out))

    def _looked_up(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        found: list[list[Hit]] = []
        for start in range(0, len(queries), AT_ONCE):
            found += self.retriever.search(queries[start : start + AT_ONCE], k)
            self.report("looking up passages for the examples", len(found), len(queries))
        return found

    def _engine(self, wanted: Mapping[str, Any], start: Weights) -> Engine:
        """Build the engine of a teacher, a critic or a judge; one without a base of its own has the stage's weights."""
        settings = dict(wanted)
        base = settings.pop("base", None)
        spec, options = resolve(self.materials.host.registry, EngineSpec, Component.model_validate(settings))
        folder = self.materials.resolve_chat_model(base) if base and spec.local else self.materials.base
        engine = spec.build(options, folder)
        if spec.local and not base:
            engine.use(start)
        return engine

    def _metric(self, wanted: str | Mapping[str, Any]) -> Metric:
        settings = {"kind": wanted} if isinstance(wanted, str) else dict(wanted)
        spec, options = resolve(self.materials.host.registry, MetricSpec, Component.model_validate(settings))
        return spec.build(options)

    def _stage_folder(self, number: int, run: str = "") -> Path:
        """Return the folder of a stage that is done.

        Raises:
            UsageError: If there is no such stage, or if it is not done.
        """
        other = Run.meant(self.materials.project, run) if run else self.run
        if other is None:
            raise UsageError(
                f"this needs what training stage {number} left, and there is no run", "Build it: `loresmith build`."
            )
        found = sorted(other.checkpoints.glob(f"{number}-*"))
        if not found or not other.result(f"train:{number}"):
            raise UsageError(
                f'run "{other.id}" has no finished training stage {number}',
                "Stages are counted from 0; `loresmith runs show` lists those of a run.",
            )
        return found[0]
