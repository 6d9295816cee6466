"""Ranks: what one costs before training, and how much of what training learned it would keep. Knows no screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from loresmith.errors import UsageError
from loresmith.estimate.bases import Base, find_base
from loresmith.estimate.devices import Device, here
from loresmith.estimate.ranks import RankCost, adapted, rank_cost
from loresmith.estimate.stages import StageEstimate, Wishes, of_project
from loresmith.runs.run import Run
from loresmith.runs.spectrum import LayerSpectrum, Spectrum, spectra
from loresmith_tui.session import Session

MOST = 256
"""The highest rank that is explored."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What ranks cost: the base, the first stage with adapters, and where it trains."""

    base: Base
    stage: StageEstimate
    device: Device

    def of(self, rank: int) -> RankCost:
        """Return what a rank costs."""
        return rank_cost(self.base.shapes, rank, self.stage, self.device)


def costs(session: Session) -> Costs:
    """Return what ranks cost in the project; reads its data, and the headers of its base.

    Raises:
        UsageError: If no stage of the recipe trains adapters.
        ModelError: If the shapes of the base cannot be had.
    """
    recipe, store = session.recipe(), session.store()
    base = find_base(recipe.base, store)
    stage = adapted(of_project(session.here, recipe, session.host, base, Wishes()))
    if stage is None:
        raise UsageError("no stage of the recipe trains adapters", "Add one under `training`, such as {method: sft}.")
    return Costs(base, stage, here()[-1])


def learned(session: Session) -> tuple[Run, list[Spectrum]]:
    """Return the latest run that has an adapter, and what it learned.

    Raises:
        UsageError: If there is none.
    """
    for row in session.runs():
        run = session.run(row["run"])
        if run.adapter.is_dir():
            return run, spectra(run)
    raise UsageError("nothing is trained yet", "Build it: `loresmith build`, or key b in the room Build.")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a rank would keep of the update of all layers of a kind.

    Args:
        kind: The kind: the last part of the layers' names.
        layers: How many there are.
        largest: Their largest singular value.
        lowest: The share of energy kept in the layer that would lose most.
        mean: The mean of the layers' shares.
        needed: The rank that keeps 99 % in each of them.
    """

    kind: str
    layers: int
    largest: float
    lowest: float
    mean: float
    needed: int


def kept(found: Spectrum, rank: int) -> list[Kept]:
    """Return what a rank would keep, by kind of layer."""
    return [_kept(kind, layers, rank) for kind, layers in found.kinds.items()]


def mean_values(found: Spectrum) -> list[tuple[float, float]]:
    """Return of each place among the singular values their mean over all layers."""
    most = max((len(layer.values) for layer in found.layers), default=0)
    at = [[layer.values[place] for layer in found.layers if place < len(layer.values)] for place in range(most)]
    return [(place + 1, fmean(values)) for place, values in enumerate(at)]


def _kept(kind: str, layers: Sequence[LayerSpectrum], rank: int) -> Kept:
    shares = [layer.kept(rank) for layer in layers]
    largest = max(layer.values[0] for layer in layers)
    return Kept(kind, len(layers), largest, min(shares), fmean(shares), max(layer.rank_for(0.99) for layer in layers))
