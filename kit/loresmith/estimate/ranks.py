"""What a rank costs: the parameters that train, and the memory they take, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loresmith.estimate.devices import PROGRAM, Device
from loresmith.estimate.memory import adapter_parameters, memory_of
from loresmith.estimate.shapes import Shapes
from loresmith.estimate.stages import StageEstimate


@dataclass(frozen=True, slots=True)
class RankCost:
    """What adapters of a rank cost.

    Args:
        parameters: The low-rank weights.
        share: Of the base's parameters.
        adapter: Bytes of the adapter.
        training: Bytes that train: the adapter with its gradients and the optimizer's moments.
        needs: Bytes that the stage takes in all on a device, the program included.
    """

    rank: int
    parameters: int
    share: float
    adapter: int
    training: int
    needs: int


def adapted(stages: Sequence[StageEstimate]) -> StageEstimate | None:
    """Return the first stage that trains adapters, or None."""
    return next((stage for stage in stages if stage.plan.adapter != "none"), None)


def rank_cost(shapes: Shapes, rank: int, stage: StageEstimate, device: Device) -> RankCost:
    """Return what a stage with adapters costs at a rank.

    Args:
        shapes: The base.
        rank: The rank, in place of the stage's own.
        stage: The stage.
        device: Where it trains.
    """
    plan = replace(stage.plan, rank=rank)
    memory = memory_of(shapes, plan, device.precision, stage.beside)
    parameters = adapter_parameters(shapes, rank, plan.targets, plan.variant)
    return RankCost(
        rank=rank,
        parameters=parameters,
        share=parameters / shapes.parameters,
        adapter=memory.adapters,
        training=memory.adapters + memory.gradients + memory.optimizer,
        needs=memory.peak + PROGRAM[device.kind],
    )
