"""What bringing an index up to date did, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from loresmith.knowledge.bases import joined_fingerprint


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a refresh did.

    Args:
        documents: Documents in the index now.
        new: Documents that were not in it.
        changed: Documents whose title or text is another.
        removed: Documents that are gone.
        unchanged: Documents that were left as they were.
        chunks: Chunks in the index now.
        embedded: Texts that had to be embedded.
        because: Why everything was cut or embedded anew; empty when only what changed was.
        fingerprint: The index's fingerprint.
        seconds: Time it took.
        bases: The same for each knowledge base by name, where the recipe names some.
    """

    documents: int
    new: int
    changed: int
    removed: int
    unchanged: int
    chunks: int
    embedded: int
    because: str
    fingerprint: str
    seconds: float
    bases: Mapping[str, IndexReport] = field(default_factory=dict)

    @classmethod
    def of(cls, reports: Mapping[str, IndexReport]) -> IndexReport:
        """Return what was done in all bases together; that of a single one without a name is its own."""
        if list(reports) == [""]:
            return reports[""]
        counts = ("documents", "new", "changed", "removed", "unchanged", "chunks", "embedded", "seconds")
        totals = {name: sum(getattr(report, name) for report in reports.values()) for name in counts}
        return cls(
            **{**totals, "seconds": round(totals["seconds"], 3)},
            because="; ".join(
                f"{name}: {report.because}" if name else report.because
                for name, report in reports.items()
                if report.because
            ),
            fingerprint=joined_fingerprint([(name, report.fingerprint) for name, report in reports.items()]),
            bases=dict(reports),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object that `index --json` prints."""
        value = asdict(self)
        bases = {name: report.to_json() for name, report in self.bases.items()}
        return {**value, "bases": bases} if bases else {key: entry for key, entry in value.items() if key != "bases"}
