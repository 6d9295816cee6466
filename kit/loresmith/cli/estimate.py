"""An estimate as JSON and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loresmith.cli.table import table
from loresmith.estimate.bases import Base
from loresmith.estimate.devices import PROGRAM, Device
from loresmith.estimate.fitting import Fit, fit
from loresmith.estimate.memory import adapter_parameters
from loresmith.estimate.shapes import Shapes
from loresmith.estimate.stages import StageEstimate

PARTS = ("weights", "adapters", "gradients", "optimizer", "activations", "logits", "peak")


def estimate_value(
    base: Base, stages: Sequence[StageEstimate], devices: Sequence[Device], ranks: Sequence[int]
) -> dict[str, Any]:
    """Return what is known, in the form of `--json`; memory in bytes."""
    shapes = base.shapes
    return {
        "base": {
            "name": base.name,
            "parameters": shapes.parameters,
            "in_blocks": shapes.in_blocks,
            "exact": shapes.exact,
            "source": base.source,
        },
        "stages": [_stage(shapes, stage, devices) for stage in stages],
        "ranks": [_rank(shapes, rank, stages) for rank in ranks],
    }


def _stage(shapes: Shapes, stage: StageEstimate, devices: Sequence[Device]) -> dict[str, Any]:
    plan = stage.plan
    fits = [fit(shapes, plan, device, stage.beside) for device in devices]
    trainable = fits[0].memory.trainable
    return {
        "stage": stage.number,
        "method": stage.method,
        "adapter": plan.adapter,
        "rank": None if plan.adapter == "none" else plan.rank,
        "batch": plan.batch,
        "length": plan.rows.length,
        "trained_tokens": round(plan.rows.trained),
        "rows": plan.rows.source,
        "gradient_checkpointing": plan.checkpointing,
        "trainable": trainable,
        "share": trainable / shapes.parameters,
        "devices": [_device(each) for each in fits],
    }


def _device(found: Fit) -> dict[str, Any]:
    device = found.device
    program = PROGRAM[device.kind]
    return {
        "name": device.name,
        "kind": device.kind,
        "memory": device.memory,
        "room": device.room,
        "bits": device.precision * 8,
        "parts": {part: getattr(found.memory, part) for part in PARTS},
        "needs": found.memory.peak + program,
        "fits": found.fits,
        "reason": found.reason,
        "changes": list(found.changes),
        "needs_then": found.peak_then + program,
    }


def _rank(shapes: Shapes, rank: int, stages: Sequence[StageEstimate]) -> dict[str, Any]:
    plan = next((stage.plan for stage in stages if stage.plan.adapter != "none"), None)
    parameters = adapter_parameters(shapes, rank, *((plan.targets, plan.variant) if plan else ()))
    return {"rank": rank, "parameters": parameters, "share": parameters / shapes.parameters}


def estimate_text(value: Mapping[str, Any]) -> str:
    """Return the tables of an estimate."""
    base = value["base"]
    blocks = [f"{base['name']}: {base['parameters']:,} parameters, by {base['source']}"]
    blocks += [_stage_text(stage) for stage in value["stages"]]
    if not value["stages"]:
        blocks.append("The recipe has no training stages: nothing is trained.")
    ranks = [(str(row["rank"]), f"{row['parameters']:,}", f"{row['share']:.3%}") for row in value["ranks"]]
    blocks.append(table(("rank", "parameters", "share of the base"), ranks))
    return "\n\n".join(blocks)


def _stage_text(stage: Mapping[str, Any]) -> str:
    rank = f", rank {stage['rank']}" if stage["rank"] else ""
    twice = ", activations computed twice" if stage["gradient_checkpointing"] else ""
    head = (
        f"stage {stage['stage']}: {stage['method']}, adapter {stage['adapter']}{rank}; "
        f"{stage['trainable']:,} parameters train ({stage['share']:.2%})\n"
        f"batch {stage['batch']}, longest row {stage['length']} tokens, {stage['trained_tokens']} of them trained "
        f"({stage['rows']}){twice}"
    )
    return "\n\n".join([head, _parts_text(stage), table(("on", "has", "needs", "fits"), list(_fit_rows(stage)))])


def _parts_text(stage: Mapping[str, Any]) -> str:
    by_bits = {device["bits"]: device["parts"] for device in stage["devices"]}
    columns = sorted(by_bits, reverse=True)
    heads = ("part", *("processor, 32 bit" if bits == 32 else "accelerator, 16 bit" for bits in columns))
    return table(heads, [(part, *(_size(by_bits[bits][part]) for bits in columns)) for part in PARTS])


def _fit_rows(stage: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for device in stage["devices"]:
        yield device["name"], f"{device['memory'] / 2**30:.0f} GiB", _size(device["needs"]), _verdict(device)


def _verdict(device: Mapping[str, Any]) -> str:
    if device["fits"]:
        return "yes"
    why = f"no, {device['reason']}" if device["reason"] else "no"
    if not device["changes"]:
        return f"{why}; nor with any change of the stage"
    return f"{why}; with {', '.join(device['changes'])} it takes {_size(device['needs_then'])}"


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
