"""What lies where in the folder of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loresmith.assistant.assistant import PARTS
from loresmith.files import read_json, write_json
from loresmith.runs.rows import jsonable


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

    @property
    def adapter(self) -> Path:
        """The folder of the adapter, or of one adapter a rung, each in a folder named after it."""
        return self.folder / "adapter"

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

    def adapter_of(self, rung: str) -> Path | None:
        """Return the adapter that a rung uses, or None: `adapter/<rung>` if there is one, else `adapter`."""
        if not PARTS[rung].adapter:
            return None
        own = self.adapter / rung
        if own.is_dir():
            return own
        return self.adapter if any(path.is_file() for path in self.adapter.glob("*")) else None

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
