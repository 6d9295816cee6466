"""What lies where in the folder of a run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loresmith.files import copy_folder, read_json, write_json
from loresmith.rungs import PARTS
from loresmith.runs.rows import jsonable
from loresmith.values import Weights

TRAINED = {rung for rung, parts in PARTS.items() if parts.trained}


class RunFolder:
    """The files of a run by what they are. Making one touches nothing on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def recipe(self) -> Path:
        """The resolved recipe."""
        return self.folder / "recipe.yaml"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.folder / "checkpoints"

    def stage_folder(self, number: int, method: str) -> Path:
        """Return the folder of a training stage, by its place in the recipe and its method."""
        return self.checkpoints / f"{number}-{method}"

    @property
    def adapter(self) -> Path:
        """The folder of the adapter, or of one adapter a rung, each in a folder named after it."""
        return self.folder / "adapter"

    @property
    def model(self) -> Path:
        """The folder of whole weights where these were trained, or of one a rung, as with adapters."""
        return self.folder / "model"

    @property
    def receipts_folder(self) -> Path:
        """The folder of receipts."""
        return self.folder / "receipts"

    @property
    def report(self) -> Path:
        """The ladder as data."""
        return self.folder / "report.json"

    @property
    def report_html(self) -> Path:
        """The ladder for people."""
        return self.folder / "report.html"

    def weights_of(self, rung: str) -> Weights | None:
        """Return what was trained for a rung: that of `adapter/<rung>` if there is one, else `adapter`; so for `model`.

        None if the rung uses nothing that is trained, or if nothing is trained.
        """
        if not PARTS[rung].trained:
            return None
        weights = Weights(_of_rung(self.model, rung), _of_rung(self.adapter, rung))
        return None if weights == Weights() else weights

    def keep_weights(self, weights: Mapping[str, Weights]) -> None:
        """Copy trained weights to their place in the run: one for all rungs, or one a rung in a folder of its name.

        Args:
            weights: Those of each trained rung.
        """
        _keep(self.model, {rung: each.model for rung, each in weights.items() if each.model})
        _keep(self.adapter, {rung: each.adapter for rung, each in weights.items() if each.adapter})

    def read_report(self) -> dict[str, Any]:
        """Return the report, or an empty one as long as nothing is measured."""
        try:
            report = read_json(self.report)
        except (FileNotFoundError, ValueError):
            return {}
        return report if isinstance(report, dict) else {}

    def write_receipt(self, name: str, value: Any) -> Path:
        """Keep a proof, and return its file."""
        path = self.receipts_folder / f"{name}.json"
        write_json(path, jsonable(value))
        return path

    def receipts(self) -> dict[str, Any]:
        """Return all receipts by name."""
        return {path.stem: read_json(path) for path in sorted(self.receipts_folder.glob("[!.]*.json"))}


def _of_rung(folder: Path, rung: str) -> Path | None:
    own = folder / rung
    if own.is_dir():
        return own
    return folder if any(path.is_file() for path in folder.glob("*")) else None


def _keep(folder: Path, by_rung: Mapping[str, Path]) -> None:
    """Fill `folder` with one thing for all trained rungs, or with one a rung; what an earlier training left goes."""
    if set(by_rung) == TRAINED and len(set(by_rung.values())) == 1:
        copy_folder(next(iter(by_rung.values())), folder)
        return
    shutil.rmtree(folder, ignore_errors=True)
    for rung, source in by_rung.items():
        copy_folder(source, folder / rung)
