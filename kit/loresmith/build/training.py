"""The training stages of a build, each starting from the adapter the one before it left."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from loresmith.build.materials import Materials
from loresmith.data.split import FrozenSplit
from loresmith.errors import Interrupted
from loresmith.files import folder_hash, replacing
from loresmith.interruption import Interruption
from loresmith.modelstore.store import Report
from loresmith.recipe.components import resolve, resolve_stage
from loresmith.recipe.models import Component, Stage
from loresmith.runs.hashes import data_hash, value_hash
from loresmith.runs.run import Run
from loresmith.specs import Maker, MakerContext, MakerSpec, MaskReceipt, Retriever, StageContext, StageResult


@dataclass(frozen=True, slots=True)
class Training:
    """Runs the stages of a recipe.

    Args:
        materials: What the build is made from.
        split: The frozen split.
        run: Where results and events go.
        retriever: The live index, for makers that put passages into prompts.
        interruption: Whether the user wants to stop.
        report: Told how far a stage is.
    """

    materials: Materials
    split: FrozenSplit
    run: Run
    retriever: Retriever
    interruption: Interruption
    report: Report

    def stage(self, number: int, adapter: Path | None, *, resume: bool) -> Path | None:
        """Run one stage, or take its result where the same was done before; return the adapter it left.

        Args:
            number: Position of the stage in the recipe, from 0.
            adapter: Adapter that the stage before left.
            resume: Go on from the stage's checkpoint.

        Raises:
            Interrupted: If the user asked to stop; the stage's checkpoint, or its result, is kept.
        """
        done = self.finished(number, adapter)
        if done is not None:
            return done
        stage, folder = self._place(number)
        result = self._trained(number, stage, adapter, folder, resume=resume)
        self.run.mark(f"train:{number}", self._key(stage, adapter), _json(result, folder))
        if self.interruption.stopping():
            # Asked for too late for the trainer to see it.
            raise Interrupted(f"stopped after training stage {number}", "Go on with `loresmith build --resume`.")
        return result.adapter

    def finished(self, number: int, adapter: Path | None) -> Path | None:
        """Return the adapter of a stage that was done before, in this run or in an earlier one; None if it was not."""
        stage, folder = self._place(number)
        step, key = f"train:{number}", self._key(stage, adapter)
        if self.run.done(step, key) and (folder / "adapter").is_dir():
            return folder / "adapter"
        return folder / "adapter" if self._taken_over(step, key, folder) else None

    def _place(self, number: int) -> tuple[Stage, Path]:
        stage = self.materials.recipe.training[number]
        return stage, self.run.checkpoints / f"{number}-{stage.method}"

    def keep(self, adapters: Mapping[str, Path]) -> None:
        """Copy the adapters to their place in the run: one for all rungs, or one a rung in a folder of its name.

        Args:
            adapters: The adapter of each trained rung.
        """
        with replacing(self.run.adapter) as temporary:
            if len(set(adapters.values())) == 1:
                shutil.copytree(next(iter(adapters.values())), temporary)
            else:
                for rung, adapter in adapters.items():
                    shutil.copytree(adapter, temporary / rung)

    def _key(self, stage: Stage, adapter: Path | None) -> str:
        """Return the hash of all that shapes the stage."""
        _, options = resolve_stage(self.materials.host.registry, stage)
        recipe, hashes = self.materials.recipe, self.run.manifest.hashes
        return value_hash([
            stage.method, options.model_dump(), recipe.instructions, recipe.seed, hashes["base"], hashes["index"],
            recipe.knowledge.retriever.model_dump(), data_hash(self.split.train), data_hash(self.split.dev),
            data_hash(self.materials.preferences), folder_hash(adapter) if adapter else None,
        ])  # fmt: skip

    def _taken_over(self, step: str, key: str, folder: Path) -> bool:
        """Take the result of the same stage from an earlier run of this project."""
        for other in Run.all(self.materials.project):
            source = other.checkpoints / folder.name / "adapter"
            if other.id == self.run.id or not other.done(step, key) or not source.is_dir():
                continue
            with replacing(folder / "adapter") as temporary:
                shutil.copytree(source, temporary)
            for name, receipt in other.receipts().items():
                if name in self._receipt_names(int(step.removeprefix("train:"))):
                    self.run.write_receipt(name, receipt)
            for event in other.events():
                if event.get("step_of") == step:
                    self.run.event({k: v for k, v in event.items() if k not in ("time", "n")})
            self.run.event({"event": "taken over", "step_of": step, "from": other.id})
            self.run.mark(step, key, other.result(step))
            return True
        return False

    def _trained(self, number: int, stage: Stage, adapter: Path | None, folder: Path, *, resume: bool) -> StageResult:
        host = self.materials.host
        spec, options = resolve_stage(host.registry, stage)
        folder.mkdir(parents=True, exist_ok=True)
        context = self._context(number, stage, adapter, folder, resume=resume)
        trainer = spec.build(options, context)
        self._keep_receipt(number, trainer.receipt())
        host.observe("before_stage", run=self.run, stage=stage)
        with self.interruption.patient():
            result = trainer.train()
        if "parity" in result.details:
            self.run.write_receipt(self._receipt_names(number)[1], result.details["parity"])
        host.observe("after_stage", run=self.run, stage=stage, result=result)
        return result

    def _context(self, number: int, stage: Stage, adapter: Path | None, folder: Path, *, resume: bool) -> StageContext:
        materials = self.materials

        stages = len(materials.recipe.training)
        activity = f"training {stage.method}" + (f" ({number + 1} of {stages})" if stages > 1 else "")

        def event(row: Mapping[str, Any]) -> None:
            self.run.event({**row, "stage": number, "step_of": f"train:{number}"})
            if row["event"] == "step":
                self.report(activity, row["step"], row["steps"])

        return StageContext(
            base=materials.base,
            adapter=adapter,
            instructions=materials.recipe.instructions,
            train=self.split.train,
            dev=self.split.dev,
            preferences=materials.preferences,
            folder=folder,
            seed=materials.recipe.seed,
            resume=resume,
            make=self._maker,
            event=event,
            stopping=self.interruption.stopping,
        )

    def _maker(self, name: str, options: Mapping[str, Any]) -> Maker:
        spec, checked = resolve(self.materials.host.registry, MakerSpec, Component(kind=name, **options))
        # What grounds the held-out questions must not be learnt, not even as a wrong passage.
        return spec.build(checked, MakerContext(retrieve=self.retriever.search, shut_out=self.split.shut_out))

    def _receipt_names(self, number: int) -> tuple[str, str]:
        """Return the names of a stage's receipts of mask and parity; the last stage's bear no number."""
        last = number == len(self.materials.recipe.training) - 1
        return ("mask", "parity") if last else (f"mask-{number}", f"parity-{number}")

    def _keep_receipt(self, number: int, receipt: MaskReceipt) -> None:
        value = asdict(receipt)
        self.run.write_receipt(self._receipt_names(number)[0], value)
        self.run.event({"event": "receipt", "stage": number, **{k: v for k, v in value.items() if k != "samples"}})


def _json(result: StageResult, folder: Path) -> dict[str, Any]:
    adapter = result.adapter.relative_to(folder).as_posix() if result.adapter else None
    return {**asdict(replace(result, adapter=None)), "adapter": adapter}
