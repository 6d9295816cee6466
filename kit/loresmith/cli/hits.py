"""How a search is shown in a terminal: hits, every candidate, and what other settings moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from loresmith.cli.errors import plain

if TYPE_CHECKING:
    from loresmith.knowledge.explaining import Explanation, Fate
    from loresmith.knowledge.trying import Moved
    from loresmith.values import Hit

LINES = 4
"""Lines of a chunk that are shown."""


def explanation_json(explanation: Explanation, reason: str) -> dict[str, Any]:
    """Return the object of an explained search."""
    return {
        "hits": [hit.to_json() for hit in explanation.hits],
        "candidates": [fate.to_json() for fate in explanation.fates],
        "trace": asdict(explanation.trace),
        **({"why": reason} if reason else {}),
    }


def explanation_text(explanation: Explanation, reason: str, moves: list[Moved] | None, *, whole: bool) -> str:
    """Return every candidate if the whole is wanted, the reason if one was asked for, and what moved."""
    parts = list(_candidates(explanation)) if whole else []
    return plain("\n\n".join([*parts, *([reason] if reason else []), *_moves_text(moves)]))


def _candidates(explanation: Explanation) -> Iterator[str]:
    trace = explanation.trace
    yield "\n".join(f"searched for: {query}" for query in trace.queries or [trace.query])
    yield from (_fate(rank, fate) for rank, fate in enumerate(explanation.fates, 1))
    if trace.refused:
        yield f"nothing is handed over: {trace.refused}"
    elif not explanation.fates:
        yield "nothing found"


def _fate(rank: int, fate: Fate) -> str:
    hit = fate.hit
    words = ", ".join(fate.words) or "none"
    head = f"{rank}. {_place(hit)}  {_scores(hit['scores'])}"
    return "\n".join([head, f"  {fate.outcome}; shared words: {words}", *_first_lines(hit["text"], 1)])


def hits_text(hits: list[Hit], moves: list[Moved] | None) -> str:
    """Return the hits, and what moved where settings were tried."""
    found = [_shown(n, hit.to_json()) for n, hit in enumerate(hits, 1)] or ["nothing found"]
    return "\n\n".join([*found, *_moves_text(moves)])


def moves_json(moves: list[Moved] | None) -> dict[str, Any]:
    """Return what moved, where settings were tried."""
    return {} if moves is None else {"moved": [move.to_json() for move in moves]}


def _moves_text(moves: list[Moved] | None) -> list[str]:
    if moves is None:
        return []
    lines = [f"{move.now or '-':>3} {move.was or '-':>6}  {move.document} [{move.start}:{move.end}]" for move in moves]
    return [plain("\n".join(["now recipe", *lines]))]


def _shown(n: int, hit: dict[str, Any]) -> str:
    return plain("\n".join([f"{n}. {_place(hit)}  {_scores(hit['scores'])}", *_first_lines(hit["text"], LINES)]))


def _place(hit: Any) -> str:
    return f"{hit['document']} [{hit['start']}:{hit['end']}]"


def _scores(scores: dict[str, float]) -> str:
    return "  ".join(f"{name} {_number(score)}" for name, score in scores.items())


def _first_lines(text: str, most: int) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    return [*(f"  {line[:160]}" for line in lines[:most]), *(["  …"] if len(lines) > most else [])]


def _number(score: float) -> str:
    return str(int(score)) if score == int(score) else f"{score:.4f}"
