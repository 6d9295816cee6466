"""Fits a prompt to the engine's window: what does not fit is left out, the least useful first, and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from loresmith.assistant.history import recent
from loresmith.evidence.sentences import sentences
from loresmith.specs import Engine, WindowedEngine
from loresmith.values import Hit, Message

Build = Callable[[Sequence[Message], Sequence[Hit]], list[Message]]
"""Makes the prompt of a conversation and passages."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt, and what it holds.

    Args:
        hits: The passages in it, best first.
        turns: Turns of the conversation in it.
        cut: What did not fit, each with its `why`.
    """

    prompt: list[Message]
    hits: list[Hit]
    turns: int
    cut: list[dict[str, Any]]


def fitted(engine: Engine, build: Build, conversation: Sequence[Message], hits: Sequence[Hit]) -> Fitted:
    """Return the prompt that holds as much as the window allows beside the longest reply.

    Passages are taken best first and whole; one that does not fit makes room for smaller ones behind it. If none fits,
    older turns make way, and at last the best passage is cut down to its first sentences. An engine that does not know
    its window gets all.
    """
    turns = recent(conversation)
    whole = build(turns, hits)
    if not isinstance(engine, WindowedEngine) or engine.room(whole) >= 0:
        return Fitted(whole, list(hits), len(turns), [])
    while len(turns) > 1 and engine.room(build(turns, hits[:1])) < 0:
        turns = turns[2:]
    kept, cut = _taken(engine, lambda some: build(turns, some), hits)
    return Fitted(build(turns, kept), kept, len(turns), cut)


def _taken(
    engine: WindowedEngine, build: Callable[[Sequence[Hit]], list[Message]], hits: Sequence[Hit]
) -> tuple[list[Hit], list[dict[str, Any]]]:
    kept: list[Hit] = []
    cut: list[dict[str, Any]] = []
    for hit in hits:
        lacking = -engine.room(build([*kept, hit]))
        if lacking <= 0:
            kept.append(hit)
            continue
        shorter = None if kept else _shortened(engine, build, hit)
        if shorter is not None:
            kept.append(shorter)
            cut.append({**_rest(hit, shorter).to_json(), "why": "the passage was cut to fit the window"})
        else:
            cut.append({**hit.to_json(), "why": f"it needs {lacking} tokens more than the window has left"})
    return kept, cut


def _shortened(engine: WindowedEngine, build: Callable[[Sequence[Hit]], list[Message]], hit: Hit) -> Hit | None:
    """Return a hit cut down to the first of its sentences that fit, or None if not even one does."""
    ends = [end for _, end in sentences(hit.chunk.text)]
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        fits = engine.room(build([_part(hit, 0, ends[middle - 1])])) >= 0
        low, high = (middle, high) if fits else (low, middle - 1)
    return _part(hit, 0, ends[low - 1]) if low else None


def _rest(hit: Hit, shorter: Hit) -> Hit:
    return _part(hit, len(shorter.chunk.text), len(hit.chunk.text))


def _part(hit: Hit, start: int, end: int) -> Hit:
    chunk = hit.chunk
    piece = replace(chunk, start=chunk.start + start, end=chunk.start + end, text=chunk.text[start:end])
    withheld = tuple((max(a, start) - start, min(b, end) - start) for a, b in hit.withheld if a < end and b > start)
    return replace(hit, chunk=piece, withheld=withheld)
