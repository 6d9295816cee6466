"""Gives each group a side, so that the sides come close to their shares in every stratum."""

from __future__ import annotations

import random
from collections.abc import Sequence

Counts = tuple[int, ...]
"""Examples of a group, by stratum."""

TRIES = 200
SLACK = 0.1


def assign(groups: Sequence[Counts], shares: Sequence[float], seed: int) -> list[int]:
    """Return the side of each group; every side gets at least one group.

    Groups are dealt in a random order, each to the side that lacks most of what the group holds. The first order
    that comes within a tenth of all shares is taken, so that big groups are not always on the same side; where none
    does, the order that came closest, the one that starts with the biggest group included.

    Args:
        groups: Counts by stratum; as many groups as sides or more.
        shares: Share of each side, summing to 1.
        seed: Seed of the random orders.
    """
    totals = [sum(column) for column in zip(*groups, strict=True)]
    wanted = [[share * total for total in totals] for share in shares]
    drawn = random.Random(seed)
    tried: list[tuple[float, list[int]]] = []
    for _ in range(max(1, min(TRIES, 200_000 // len(groups)))):
        order = drawn.sample(range(len(groups)), len(groups))
        sides = _deal(groups, order, wanted, totals)
        if _close(held := _held(groups, sides, wanted), wanted):
            return sides
        tried.append((_distance(held, wanted, totals), sides))
    biggest = sorted(range(len(groups)), key=lambda index: -sum(groups[index]))
    sides = _deal(groups, biggest, wanted, totals)
    return min([*tried, (_distance(_held(groups, sides, wanted), wanted, totals), sides)])[1]


def _deal(
    groups: Sequence[Counts], order: Sequence[int], wanted: Sequence[Sequence[float]], totals: Sequence[int]
) -> list[int]:
    lacking = [list(row) for row in wanted]
    sides = [0] * len(groups)
    for index in order:
        counts = groups[index]
        weights = [count / max(1, total) for count, total in zip(counts, totals, strict=True)]
        gains = [sum(w * lack for w, lack in zip(weights, row, strict=True)) for row in lacking]
        side = gains.index(max(gains))
        sides[index] = side
        lacking[side] = [lack - count for lack, count in zip(lacking[side], counts, strict=True)]
    return _filled(groups, sides, len(wanted))


def _filled(groups: Sequence[Counts], sides: list[int], count: int) -> list[int]:
    for side in range(count):
        if side not in sides:
            donor = max(range(count), key=sides.count)
            smallest = min((i for i, s in enumerate(sides) if s == donor), key=lambda index: sum(groups[index]))
            sides[smallest] = side
    return sides


def _held(groups: Sequence[Counts], sides: Sequence[int], wanted: Sequence[Sequence[float]]) -> list[list[int]]:
    held = [[0] * len(row) for row in wanted]
    for counts, side in zip(groups, sides, strict=True):
        held[side] = [h + c for h, c in zip(held[side], counts, strict=True)]
    return held


def _close(held: Sequence[Sequence[int]], wanted: Sequence[Sequence[float]]) -> bool:
    return all(
        abs(h - w) <= max(1.0, SLACK * w)
        for held_row, wanted_row in zip(held, wanted, strict=True)
        for h, w in zip(held_row, wanted_row, strict=True)
    )


def _distance(held: Sequence[Sequence[int]], wanted: Sequence[Sequence[float]], totals: Sequence[int]) -> float:
    return sum(
        (h - w) ** 2 / max(1, total)
        for held_row, wanted_row in zip(held, wanted, strict=True)
        for h, w, total in zip(held_row, wanted_row, totals, strict=True)
    )
