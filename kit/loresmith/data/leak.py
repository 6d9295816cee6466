"""The leak check: no question stands on two sides of the split, word for word or nearly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from loresmith.data.duplicates import find_twins
from loresmith.data.split import FrozenSplit
from loresmith.errors import GateRefused
from loresmith.values import Example

SHOWN = 20


@dataclass(frozen=True, slots=True)
class LeakReceipt:
    """Proof kept with a run.

    Args:
        exact: Pairs of equal questions on different sides.
        near: Pairs of nearly equal questions on different sides.
        pairs: The pairs, as (side, example, side, example).
    """

    exact: int
    near: int
    pairs: tuple[tuple[str, Example, str, Example], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what a report keeps."""
        return {"exact": self.exact, "near": self.near}


def leak_check(split: FrozenSplit) -> LeakReceipt:
    """Return how many questions stand on two sides, and which."""
    placed = [(side, e) for side in ("train", "dev", "test") for e in getattr(split, side)]
    twins = find_twins([example for _, example in placed])
    exact = [pair for positions in twins.asked.values() for pair in _straddling(combinations(positions, 2), placed)]
    near = [pair for a, b in twins.near for pair in _straddling(product(twins.asked[a], twins.asked[b]), placed)]
    return LeakReceipt(len(exact), len(near), (*exact, *near))


def require_no_leak(split: FrozenSplit) -> LeakReceipt:
    """Return the receipt of a split that leaks nothing.

    Raises:
        GateRefused: If a question stands on two sides.
    """
    receipt = leak_check(split)
    if not receipt.pairs:
        return receipt
    lines = [f"{a.place or a.id} ({side_a}) and {b.place or b.id} ({side_b})" for side_a, a, side_b, b in receipt.pairs]
    shown = "\n  ".join([*lines[:SHOWN], *([f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])])
    raise GateRefused(
        f"the split leaks: {receipt.exact} equal and {receipt.near} nearly equal questions on two sides\n  {shown}",
        "Take one of each pair out, or freeze a new split with `loresmith build --resplit`.",
    )


def _straddling(
    pairs: Iterable[tuple[int, int]], placed: list[tuple[str, Example]]
) -> list[tuple[str, Example, str, Example]]:
    # One pair a question tells enough; a thousand copies would make half a million.
    for one, other in pairs:
        if placed[one][0] != placed[other][0]:
            return [(*placed[one], *placed[other])]
    return []
