"""The build from start to end. What a step made is kept under a hash, and a build that goes on skips what is made.

check → split → index → train → measure → decide → promote
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loresmith.artefact import promote
from loresmith.building.deciding import keep, ladder
from loresmith.building.gains import Gains
from loresmith.building.materials import Materials, gather
from loresmith.building.measuring import Measuring
from loresmith.building.training import Training
from loresmith.data.leak import require_no_leak
from loresmith.data.preference_sides import divide
from loresmith.data.split import FrozenSplit, freeze
from loresmith.errors import UsageError
from loresmith.host import PluginHost
from loresmith.interruption import Interruption
from loresmith.knowledge.index import IndexReport, refresh
from loresmith.knowledge.lookup import open_lookup
from loresmith.lock import ProjectLock
from loresmith.modelstore.store import Report
from loresmith.project import Project
from loresmith.rungs import PARTS, RUNGS
from loresmith.runs.hashes import base_hash, data_hash, recipe_hash
from loresmith.runs.run import Run
from loresmith.specs import Retriever
from loresmith.values import Weights

UNTRAINED = "Add a stage under `training`, or measure prompt, few-shot or rag."


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked of a build.

    Args:
        command: The command that was given, for whoever meets the project's lock.
        resume: Go on with the latest run that is not done.
        resplit: Freeze the split anew.
        last_stage: The last training stage to take, from 0; all of them if not given.
        rungs: Rungs to measure in place of the recipe's; the ladder is then not kept.
        train: Train what is not trained yet; without it nothing is promoted either.
        evaluate: Measure the rungs, decide, promote.
        stop_at_mask: Stop before the first step of a stage whose trained tokens the run has not kept yet.
    """

    command: str = "build"
    resume: bool = False
    resplit: bool = False
    last_stage: int | None = None
    rungs: tuple[str, ...] = ()
    train: bool = True
    evaluate: bool = True
    stop_at_mask: bool = False


class Pipeline:
    """One build of a project.

    Args:
        project: The project.
        host: The plugins.
        wishes: What the user asked for.
        say: Told what goes on, a line at a time.
        report: Told how far long work is.
        interruption: Whether the user wants to stop.
    """

    def __init__(
        self,
        project: Project,
        host: PluginHost,
        wishes: Wishes,
        say: Callable[[str], None],
        report: Report,
        interruption: Interruption,
    ) -> None:
        self.project, self.host, self.wishes = project, host, wishes
        self.say, self.report, self.interruption = say, report, interruption

    def run(self) -> dict[str, Any]:
        """Build, and return the report that `build --json` prints.

        Raises:
            LoresmithError: As the errors of the steps; what was done is kept, and `build --resume` goes on.
        """
        with ProjectLock(self.project, self.wishes.command, self.say), self.interruption.listening():
            materials = gather(self.project, self.host, self.report)
            self.say(
                f"checked: {len(materials.documents)} documents, {len(materials.examples)} examples, "
                f"{len(materials.preferences)} preferences, base {materials.recipe.base}"
            )
            self._check_wishes(materials)
            split = freeze(self.project, materials.examples, materials.recipe.data.split, resplit=self.wishes.resplit)
            leak = require_no_leak(split)
            self.say(_split_line(split))
            index = self._index(materials)
            run = self._run(materials, split, index)
            with run.working():
                run.write_receipt("leak", leak.to_json())
                run.event({"event": "index", **index.to_json()})
                return self._build(materials, split, run)

    def _check_wishes(self, materials: Materials) -> None:
        stages, last, rungs = len(materials.recipe.training), self.wishes.last_stage, self._rungs(materials)
        if not self.wishes.evaluate and not stages:
            raise UsageError(
                "the recipe trains nothing: its `training` is empty", "Add a stage, such as {method: sft}."
            )
        if last is not None and last >= stages:
            raise UsageError(f"the recipe has no training stage {last}", f"It has {stages}, counted from 0.")
        if self.wishes.evaluate and not stages and (not rungs or any(PARTS[r].trained for r in rungs)):
            wanted = ", ".join(self.wishes.rungs or materials.recipe.evaluation.rungs)
            raise UsageError(f"{wanted} cannot be measured: the recipe trains nothing", UNTRAINED)

    def _index(self, materials: Materials) -> IndexReport:
        index = refresh(
            self.project, materials.recipe, self.host, materials.resolve_model,
            lambda done, total: self.report("embedding", done, total),
        )  # fmt: skip
        self.say(f"index: {index.documents} documents, {index.chunks} chunks, {index.embedded} embedded")
        return index

    def _run(self, materials: Materials, split: FrozenSplit, index: IndexReport) -> Run:
        """Return the run to work on: the one to go on with, or a new one."""
        hashes = {
            "base": base_hash(materials.base),
            "examples": data_hash(materials.examples),
            "split": split.fingerprint,
            "index": index.fingerprint,
        }
        run = self._earlier({**hashes, "recipe": recipe_hash(materials.recipe, self.host.registry)})
        if run is None:
            if self.wishes.resume:
                self.say("nothing to resume: starting a new run")
            run = Run.create(self.project, materials.recipe, hashes, host=self.host)
            self.say(f"run {run.id}")
            return run
        run.note_recipe(materials.recipe, self.host.registry)
        run.note_hashes(hashes)
        self.say(f"run {run.id}, {'resumed' if self.wishes.resume else 'measured further'}")
        return run

    def _earlier(self, hashes: Mapping[str, str]) -> Run | None:
        if self.wishes.resume:
            return Run.latest(self.project, unfinished=True, host=self.host)
        latest = None if self.wishes.train else Run.latest(self.project, host=self.host)
        # A run stays what it was: measuring with another recipe, other data or another index is a run of its own.
        return latest if latest and hashes.items() <= latest.manifest.hashes.items() else None

    def _build(self, materials: Materials, split: FrozenSplit, run: Run) -> dict[str, Any]:
        lookup = open_lookup(
            self.project, materials.recipe, self.host, materials.resolve_model, lambda: measuring.engine
        )
        measuring = Measuring(materials, split, run, lookup, self.report)
        self._weights(materials, split, run, lookup, measuring)
        if not self.wishes.evaluate:
            done = [run.result(f"train:{number}") for number in range(len(materials.recipe.training))]
            return {"run": run.id, "stages": [result for result in done if result]}
        for rung in self._rungs(materials):
            measuring.rung(rung)
        return self._decide(materials, run)

    def _weights(
        self, materials: Materials, split: FrozenSplit, run: Run, retriever: Retriever, measuring: Measuring
    ) -> None:
        """Train, or take over what is trained, and put the weights in their place in the run."""
        data = materials.recipe.data
        preferences = divide(materials.preferences, split, data.split.test, data.split.seed)
        training = Training(
            materials, split, preferences, run, retriever, self.interruption, self.say, self.report,
            stop_at_mask=self.wishes.stop_at_mask,
        )  # fmt: skip
        gains = Gains(measuring, run, preferences.held_out)
        weights = self._train(training, gains) if self.wishes.train else self._take_over(training)
        if weights:
            run.keep_weights(weights)

    def _train(self, training: Training, gains: Gains) -> dict[str, Weights]:
        """Run the stages; return the weights of each trained rung."""
        recipe, present = training.materials.recipe, Weights()
        by_rung: dict[str, Weights] = {}
        for number, stage in enumerate(recipe.training):
            before, present = present, training.stage(number, present, resume=self.wishes.resume)
            if present != Weights():
                by_rung |= dict.fromkeys(stage.rungs, present)
            self.say(_stage_line(stage.method, training.run.result(f"train:{number}")))
            if len(recipe.training) > 1 and recipe.evaluation.stage_gains:
                gain = gains.stage(number, stage, before, present)
                self.say(gain.line if gain else f"{stage.method} left the weights as they were")
            if number == self.wishes.last_stage:
                break
        return by_rung

    def _take_over(self, training: Training) -> dict[str, Weights]:
        """Take the weights trained for this very recipe, data and index; refuse if rungs need them in vain."""
        present = Weights()
        by_rung: dict[str, Weights] = {}
        for number, stage in enumerate(training.materials.recipe.training):
            finished = training.finished(number, present)
            if finished is None:
                rungs = [rung for rung in self._rungs(training.materials) if PARTS[rung].trained]
                if rungs:
                    raise UsageError(
                        f"{', '.join(rungs)} cannot be measured: stage {number} ({stage.method}) is not trained yet "
                        "for the recipe, the data and the index as they are now",
                        "Train it with `loresmith train`, or name other rungs with --rungs.",
                    )
                return {}
            present = finished
            if present != Weights():
                by_rung |= dict.fromkeys(stage.rungs, present)
        return by_rung

    def _rungs(self, materials: Materials) -> list[str]:
        """Return what to measure: what was asked for, or the recipe's rungs that its training allows."""
        recipe = materials.recipe
        possible = [rung for rung in RUNGS if recipe.training or not PARTS[rung].trained]
        return list(self.wishes.rungs) or [rung for rung in possible if rung in recipe.evaluation.rungs]

    def _decide(self, materials: Materials, run: Run) -> dict[str, Any]:
        report = ladder(materials, run, self._rungs(materials))
        if not self.wishes.rungs:
            keep(report, materials.recipe, run)
            # A run is done when all is done: a kill before that is mended by `build --resume`.
            if self.wishes.train:
                promoted = promote(self.project, run, report["verdict"]["ship"])
                self.say(f"promoted: {promoted.rung} of run {promoted.run}, version {promoted.version}")
        if run.read_report():
            run.finish()
            return report
        return {**report, "report": None}


def _stage_line(method: str, result: Mapping[str, Any]) -> str:
    speed = result["tokens"] / max(result["seconds"], 1e-9)
    return (
        f"trained {method}: {result['steps']} steps, {result['tokens']} tokens, {speed:.0f} tokens/s, "
        f"dev loss {result['dev_loss']:.3f} at step {result['best_step']}"
        f"{', stopped early' if result['stopped_early'] else ''}"
    )


def _split_line(split: FrozenSplit) -> str:
    sizes = f"{len(split.train)} train, {len(split.dev)} dev, {len(split.test)} test in {split.groups} groups"
    return "\n".join([f"split: {sizes}, frozen", *split.remarks])


def rungs_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return rungs in the ladder's order.

    Raises:
        UsageError: If a name is no rung.
    """
    unknown = [name for name in names if name not in RUNGS]
    if unknown:
        raise UsageError(f'no rung named "{unknown[0]}"', f"The rungs are {', '.join(RUNGS)}.")
    return tuple(rung for rung in RUNGS if rung in names)
