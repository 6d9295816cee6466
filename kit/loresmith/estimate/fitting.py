"""Whether a stage fits a device, and what would make it fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from loresmith.estimate.devices import Device
from loresmith.estimate.memory import Memory, memory_of
from loresmith.estimate.plan import Plan
from loresmith.estimate.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Fit:
    """A stage on a device.

    Args:
        changes: What would make it fit, all of it together; empty where it fits, or where nothing would.
        peak_then: Bytes it takes after the changes; `memory.peak` where there are none.
    """

    device: Device
    memory: Memory
    fits: bool
    changes: tuple[str, ...]
    peak_then: int
    reason: str = ""


def fit(shapes: Shapes, plan: Plan, device: Device, beside: int = 0) -> Fit:
    """Say whether a stage fits a device, and if not which changes would make it, the cheapest first."""
    memory = memory_of(shapes, plan, device.precision, beside)
    reason = "bitsandbytes has no NF4 there" if device.kind == "unified" and plan.adapter == "qlora" else ""
    if not reason and memory.peak <= device.room:
        return Fit(device, memory, True, (), memory.peak)
    changes: dict[str, str] = {}
    for key, value, changed in _changes(plan, device):
        changes[key] = f"{key}: {value}"
        peak = memory_of(shapes, changed, device.precision, beside).peak
        if peak <= device.room and not (device.kind == "unified" and changed.adapter == "qlora"):
            return Fit(device, memory, False, tuple(changes.values()), peak, reason)
    return Fit(device, memory, False, (), memory.peak, reason)


def _changes(plan: Plan, device: Device) -> Iterator[tuple[str, str, Plan]]:
    """Yield what can be changed, one upon the other: time first, then what is trained, then the weights' precision."""
    if plan.adapter == "qlora" and device.kind == "unified":
        plan = replace(plan, adapter="lora")
        yield "adapter", "lora", plan
    if not plan.checkpointing:
        plan = replace(plan, checkpointing=True)
        yield "gradient_checkpointing", "true", plan
    if plan.batch > 1:
        plan = replace(plan, batch=1)
        yield "batch", "1", plan
    if plan.adapter == "none":
        plan = replace(plan, adapter="lora")
        yield "adapter", "lora", plan
    if plan.adapter == "lora" and device.kind != "unified":
        plan = replace(plan, adapter="qlora")
        yield "adapter", "qlora", plan
    if plan.rank > 8 and plan.adapter != "none":
        plan = replace(plan, rank=8)
        yield "rank", "8", plan
