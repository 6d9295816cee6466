"""What becomes of hits that give orders to the assistant: their sentences are withheld, or they are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loresmith.values import Hit, Trace
from loresmith_plugins.guards.instructions import Instruction, instructions


def withhold(hits: list[Hit], trace: Trace, *, drop: bool) -> None:
    """Withhold the sentences that give orders to the assistant, in place, and note it in the trace.

    Args:
        hits: What was retrieved.
        trace: Where it is noted.
        drop: Drop their passages instead.
    """
    kept = []
    for hit in hits:
        found = [*instructions(hit.chunk.text), *_of_section(hit)]
        if not found and not instructions(hit.chunk.title):
            kept.append(hit)
        elif drop or instructions(hit.chunk.title):
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
