"""What an estimate is made for: which weights train, and what one step reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from loresmith.options import Options
from loresmith.specs import Footprint

Adapter = Literal["none", "lora", "qlora"]
ADAPTERS: tuple[Adapter, ...] = get_args(Adapter)


@dataclass(frozen=True, slots=True)
class Rows:
    """The longest rows that a step may read.

    Args:
        length: Tokens of the longest row; the others of the batch are padded to it.
        trained: Tokens that enter the loss, in a row of such a batch, on average.
        shared: Tokens with which all rows begin, which the loop reads once.
        source: Where these figures come from, for people.
    """

    length: int
    trained: float
    shared: int
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How a stage trains, as far as its memory depends on it.

    Args:
        batch: Rows that are read at once.
        targets: Names of the layers that get adapters; None for all linear ones.
        variant: Kind of the adapters: `dora` has a magnitude more, `lora_fa` does not train A.
        trained_bytes: Bytes of a weight that trains.
        accumulates: Whether gradients are kept over several batches.
    """

    adapter: Adapter
    rows: Rows
    batch: int
    rank: int = 8
    targets: tuple[str, ...] | None = None
    dropout: bool = False
    variant: str = "plain"
    trained_bytes: int = 4
    checkpointing: bool = False
    accumulates: bool = False
    logits: Literal["trained", "all", "none"] = "trained"


def plan_of(options: Options, footprint: Footprint, rows: Rows) -> Plan:
    """Return the plan of a stage by the common keys of its options; what it has no key for counts as absent.

    A method without the key `adapter` trains low-rank adapters, the usual case.
    """
    adapter = getattr(options, "adapter", "lora")
    targets = getattr(options, "targets", None)
    return Plan(
        adapter=adapter if adapter in ADAPTERS else "lora",
        rows=rows,
        batch=whole(options, "batch", 1) * footprint.rows,
        rank=whole(options, "rank", 8),
        targets=tuple(targets) if isinstance(targets, list | tuple) else None,
        dropout=bool(getattr(options, "dropout", 0.0)),
        variant=str(getattr(options, "variant", "plain")),
        trained_bytes=2 if getattr(options, "adapter_dtype", "float32") == "bfloat16" else 4,
        checkpointing=bool(getattr(options, "gradient_checkpointing", False)),
        accumulates=whole(options, "accumulation", 1) > 1,
        logits=footprint.logits,
    )


def without_sharing(plan: Plan) -> Plan:
    """Return the plan as the loop runs it: a beginning is read once only if it is long, shared, and kept."""
    shared = plan.rows.shared
    if shared and (plan.checkpointing or plan.batch < 2 or shared < SHORTEST_SHARED):
        return replace(plan, rows=replace(plan.rows, shared=0))
    return plan


SHORTEST_SHARED = 16
"""Tokens below which a common beginning is not read by itself."""


def whole(options: Any, name: str, default: int) -> int:
    """Return a whole number above zero that options may have; `default` where they have none."""
    found = getattr(options, name, None)
    return found if isinstance(found, int) and found > 0 else default
