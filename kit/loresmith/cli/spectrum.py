"""What adapters learned, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from loresmith.cli.errors import plain
from loresmith.cli.table import table
from loresmith.runs.spectrum import LayerSpectrum, Spectrum

SHARES = (0.9, 0.99)
"""Shares of the energy for which the rank that keeps them is said."""


def spectrum_text(found: Sequence[Spectrum]) -> str:
    """Return for each adapter what each rank keeps, and what each kind of layer needs."""
    return plain("\n\n".join("\n\n".join(_blocks(each)) for each in found))


def _blocks(found: Spectrum) -> Iterator[str]:
    serves = f" of {' and '.join(found.rungs)}" if found.rungs else ""
    head = f"adapter{serves}: {found.variant}, rank {found.rank}, alpha {found.alpha:g}, {len(found.layers)} layers"
    yield "\n".join([head, *(f"note: {remark}" for remark in found.remarks)])
    if found.layers:
        heads = ("rank", "energy kept, lowest layer", "mean of the layers")
        yield table(heads, [_rank_row(found.layers, rank) for rank in ranks_to(_highest(found))])
        needs = [f"rank for {share:.0%}" for share in SHARES]
        kinds = [_kind_row(kind, layers) for kind, layers in found.kinds.items()]
        yield table(["layers", "number", "largest value", *needs], kinds)


def ranks_to(highest: int) -> list[int]:
    """Return the powers of two below a rank, and the rank."""
    return [*(2**power for power in range(highest.bit_length()) if 2**power < highest), highest]


def _highest(found: Spectrum) -> int:
    return max(layer.rank for layer in found.layers)


def _rank_row(layers: Sequence[LayerSpectrum], rank: int) -> tuple[str, str, str]:
    kept = [layer.kept(rank) for layer in layers]
    return str(rank), f"{min(kept):.2%}", f"{fmean(kept):.2%}"


def _kind_row(kind: str, layers: Sequence[LayerSpectrum]) -> tuple[str, ...]:
    largest = max(layer.values[0] for layer in layers)
    needed = (max(layer.rank_for(share) for layer in layers) for share in SHARES)
    return kind, str(len(layers)), f"{largest:.4g}", *(f"{rank} at most" for rank in needed)
