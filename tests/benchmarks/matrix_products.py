"""How fast the matrix products of a training step alone would let it be: the bound that no trainer can pass.

Of each step they are timed one by one, on this machine and in this process: in every layer the product of each linear
map, forward and backward for its input (the base is frozen, so not for its weights), the three products more of its
low-rank adapter, the two of attention, and the head's on the trained tokens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

RANK = 8
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Shapes:
    """What of a Llama decides its products: the linear maps of a layer as (in, out), and the rest."""

    maps: tuple[tuple[int, int], ...]
    layers: int
    heads: int
    head: int
    hidden: int
    vocabulary: int

    @classmethod
    def of(cls, config: Any) -> Shapes:
        """Read them from the model's configuration."""
        hidden, inner, size = config.hidden_size, config.intermediate_size, config.head_dim
        keys = config.num_key_value_heads * size
        queries = config.num_attention_heads * size
        attention = ((hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden))
        maps = (*attention, (hidden, inner), (hidden, inner), (inner, hidden))
        return cls(maps, config.num_hidden_layers, config.num_attention_heads, size, hidden, config.vocab_size)


def seconds(shapes: Shapes, rows: Sequence[tuple[int, int]]) -> float:
    """Return the time of the products of one step.

    Args:
        shapes: The model's.
        rows: Tokens read and tokens trained of each row.
    """
    read, trained = sum(row[0] for row in rows), sum(row[1] for row in rows)
    layer = sum(_mapped(read, *shape) for shape in shapes.maps) + sum(
        _product(shapes.heads, length, shapes.head, length) * 6 for length, _ in rows
    )
    return shapes.layers * layer + 2 * _product(1, trained, shapes.hidden, shapes.vocabulary)


def _mapped(tokens: int, wide: int, high: int) -> float:
    """Return the time of one linear map with its adapter, forward and backward."""
    adapter = [(wide, RANK), (RANK, high)]
    frozen = _product(1, tokens, wide, high) + _product(1, tokens, high, wide)
    return frozen + sum(
        _product(1, tokens, a, b) + _product(1, tokens, b, a) + _product(1, a, tokens, b) for a, b in adapter
    )


@cache
def _product(times: int, rows: int, inner: int, columns: int) -> float:
    """Return the shortest time of a product (times, rows, inner) x (times, inner, columns)."""
    one, other = torch.randn(times, rows, inner), torch.randn(times, inner, columns)
    return min(_timed(lambda: torch.bmm(one, other)) for _ in range(REPEATS))


def _timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def shared_once(rows: Sequence[tuple[int, int]], prefix: int) -> Iterator[tuple[int, int]]:
    """Yield the rows as they are read where the first `prefix` tokens, which all have in common, are read once."""
    yield prefix, 0
    yield from ((read - prefix, trained) for read, trained in rows)
