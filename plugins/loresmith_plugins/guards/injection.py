"""Finds instructions to the assistant in what was retrieved, and keeps them from the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loresmith.hooks import hookimpl
from loresmith.values import Hit, Trace
from loresmith_plugins.guards.instructions import Instruction, instructions


@hookimpl
def filter_hits(query: str, hits: list[Hit], trace: Trace) -> None:  # noqa: ARG001
    """Withhold the sentences that give orders to the assistant, or drop their passages.

    Goes by the setting `injection` of the trace: `mark` (also where nothing is set), `drop` or `off`.
    """
    mode = trace.settings.get("injection", "mark")
    if mode == "off":
        return
    kept = []
    for hit in hits:
        found = [*instructions(hit.chunk.text), *_of_section(hit)]
        if not found and not instructions(hit.chunk.title):
            kept.append(hit)
        elif mode == "drop" or instructions(hit.chunk.title):
            trace.filtered.append({**hit.to_json(), "why": f"it gives orders to the assistant: {_why(found)}"})
        else:
            trace.notes.append(f'withheld from the model in "{hit.chunk.document}": {_why(found)}')
            kept.append(_without(hit, found))
    hits[:] = kept


def _of_section(hit: Hit) -> Sequence[Instruction]:
    """Return what the section says that is handed over in the place of a small piece."""
    return instructions(hit.chunk.within.text) if hit.chunk.within else ()


def _without(hit: Hit, found: list[Instruction]) -> Hit:
    # The section, where there is one, is what the model would read.
    text = (hit.chunk.within or hit.chunk).text
    spans = tuple((each.start, each.end) for each in instructions(text))
    return replace(hit, withheld=spans, scores={**hit.scores, "injection": float(len(found))})


def _why(found: list[Instruction]) -> str:
    return ", ".join(dict.fromkeys(each.why for each in found)) or "in its title"
