"""The training stages of a build, each starting from the weights the one before it left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from loresmith.building.materials import Materials
from loresmith.building.stage_context import StageContexts, Started
from loresmith.data.preference_sides import PreferenceSides
from loresmith.data.split import FrozenSplit
from loresmith.errors import Interrupted
from loresmith.files import copy_folder, file_hash
from loresmith.interruption import UNCONFIRMED, Interruption
from loresmith.modelstore.store import Report
from loresmith.options import Options
from loresmith.recipe.components import resolve_stage
from loresmith.recipe.models import Stage
from loresmith.runs.hashes import data_hash, value_hash, weights_hash
from loresmith.runs.rows import jsonable
from loresmith.runs.run import Run
from loresmith.specs import MaskReceipt, Retriever, StageResult
from loresmith.values import Weights


@dataclass(frozen=True, slots=True)
class Training:
    """Runs the stages of a recipe.

    Args:
        materials: What the build is made from.
        split: The frozen split.
        preferences: Preferences to learn from, and those held out.
        run: Where results and events go.
        retriever: The live index, for makers that put passages into prompts.
        interruption: Whether the user wants to stop.
        say: Told what the user should know, a line at a time.
        report: Told how far a stage is.
        stop_at_mask: Stop before the first step of a stage if the run has not kept yet what it trains.
    """

    materials: Materials
    split: FrozenSplit
    preferences: PreferenceSides
    run: Run
    retriever: Retriever
    interruption: Interruption
    say: Callable[[str], None]
    report: Report
    stop_at_mask: bool = False

    def stage(self, number: int, start: Weights, *, resume: bool) -> Weights:
        """Run one stage, or take its result where the same was done before; return the weights it left.

        Args:
            number: Position of the stage in the recipe, from 0.
            start: Weights that the stages before left.
            resume: Go on from the stage's checkpoint.

        Raises:
            Interrupted: If the user asked to stop; the stage's checkpoint, its result, or what it trains, is kept.
        """
        done = self.finished(number, start)
        if done is not None:
            return done
        result = self._trained(number, start, resume=resume)
        self.run.mark(f"train:{number}", self._key(number, start), _json(result, self._folder(number)))
        if self.interruption.stopping():
            # Asked for too late for the trainer to see it.
            raise Interrupted(f"stopped after training stage {number}", "Go on with `loresmith build --resume`.")
        return self._left(number, start)

    def finished(self, number: int, start: Weights) -> Weights | None:
        """Return the weights after a stage that was done before, in this run or an earlier one; None if it was not."""
        step, key = f"train:{number}", self._key(number, start)
        if self.run.done(step, key) and self._complete(self.run, number):
            return self._left(number, start)
        return self._left(number, start) if self._taken_over(number, key) else None

    def _stage(self, number: int) -> Stage:
        return self.materials.recipe.training[number]

    def _folder(self, number: int) -> Path:
        return self.run.stage_folder(number, self._stage(number).method)

    def _complete(self, run: Run, number: int) -> bool:
        """Whether everything that a stage says it left is there."""
        folder, left = run.stage_folder(number, self._stage(number).method), run.result(f"train:{number}")
        return all((folder / left[part]).is_dir() for part in ("adapter", "model") if left.get(part))

    def _left(self, number: int, start: Weights) -> Weights:
        """Return the weights after a stage: whole ones of its own, or its adapter on those it started from."""
        left, folder = self.run.result(f"train:{number}"), self._folder(number)
        if left.get("model"):
            return Weights(folder / left["model"])
        return Weights(start.model, folder / left["adapter"]) if left.get("adapter") else start

    def _key(self, number: int, start: Weights) -> str:
        """Return the hash of all that shapes a stage."""
        recipe, hashes, root = self.materials.recipe, self.run.manifest.hashes, self.materials.project.root
        return value_hash([
            [self._settings(earlier) for earlier in range(number + 1)],
            recipe.instructions, recipe.seed, hashes["base"], hashes["index"], recipe.knowledge.retriever.model_dump(),
            data_hash(self.split.train), data_hash(self.split.dev), data_hash(self.preferences.train),
            data_hash(self.preferences.held_out), weights_hash(start),
            [file_hash(root / name) for name in self._options(number).files() if (root / name).is_file()],
        ])  # fmt: skip

    def _settings(self, number: int) -> list[Any]:
        return [self._stage(number).method, self._options(number).model_dump()]

    def _options(self, number: int) -> Options:
        return resolve_stage(self.materials.host.registry, self._stage(number))[1]

    def _taken_over(self, number: int, key: str) -> bool:
        """Take the result of the same stage from an earlier run of this project."""
        step = f"train:{number}"
        for other in Run.all(self.materials.project):
            if other.id == self.run.id or not other.done(step, key) or not self._complete(other, number):
                continue
            copy_folder(other.stage_folder(number, self._stage(number).method), self._folder(number))
            for name, receipt in other.receipts().items():
                if name in self._receipt_names(number):
                    self.run.write_receipt(name, receipt)
            for event in other.events():
                if event.get("step_of") == step:
                    self.run.event({k: v for k, v in event.items() if k not in ("time", "n")})
            self.run.event({"event": "taken over", "step_of": step, "from": other.id})
            self.run.mark(step, key, other.result(step))
            return True
        return False

    def _trained(self, number: int, start: Weights, *, resume: bool) -> StageResult:
        host, stage, folder = self.materials.host, self._stage(number), self._folder(number)
        spec, options = resolve_stage(host.registry, stage)
        folder.mkdir(parents=True, exist_ok=True)
        contexts = self._contexts()
        trainer = spec.build(options, contexts.of(Started(number, stage, start, folder, resume)))
        with self.interruption.patient():  # to say what they train, some stages ask a critic or a teacher first
            receipt = trainer.receipt()
        if self._keep_receipt(number, receipt) and self.stop_at_mask:
            raise Interrupted(
                f"stopped before training stage {number} ({stage.method}): {UNCONFIRMED}",
                f'See "{self.run.receipts_folder}", and go on with `loresmith build --resume`.',
            )
        host.observe("before_stage", run=self.run, stage=stage)
        self.report(contexts.activity(number), 0, 1)  # loading the model takes a while
        with self.interruption.patient():
            result = trainer.train()
        if "parity" in result.details:
            self.run.write_receipt(self._receipt_names(number)[1], result.details["parity"])
        host.observe("after_stage", run=self.run, stage=stage, result=result)
        return result

    def _contexts(self) -> StageContexts:
        return StageContexts(
            self.materials, self.split, self.preferences, self.run, self.retriever, self.interruption, self.report
        )

    def _receipt_names(self, number: int) -> tuple[str, str]:
        """Return the names of a stage's receipts of mask and parity; the last stage's bear no number."""
        last = number == len(self.materials.recipe.training) - 1
        return ("mask", "parity") if last else (f"mask-{number}", f"parity-{number}")

    def _keep_receipt(self, number: int, receipt: MaskReceipt) -> bool:
        """Keep what a stage trains; return whether it is news to the run."""
        name, value = self._receipt_names(number)[0], jsonable(asdict(receipt))
        before = self.run.receipts().get(name)
        self.run.write_receipt(name, value)
        self.run.event({"event": "receipt", "stage": number, **{k: v for k, v in value.items() if k != "samples"}})
        for warning in receipt.warnings:
            self.say(f"warning: {warning}")
        return bool(before != value)


def _json(result: StageResult, folder: Path) -> dict[str, Any]:
    parts = {"adapter": result.adapter, "model": result.model}
    places = {name: path.relative_to(folder).as_posix() if path else None for name, path in parts.items()}
    return {**asdict(replace(result, adapter=None, model=None)), **places}
