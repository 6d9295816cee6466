"""An estimate as JSON and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from loresmith.cli.table import table
from loresmith.estimate.bases import Base
from loresmith.estimate.devices import PROGRAM, Device
from loresmith.estimate.fitting import Fit, fit
from loresmith.estimate.memory import adapter_parameters
from loresmith.estimate.ranks import adapted, rank_cost
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
        "ranks": [_rank(shapes, rank, adapted(stages), devices[0]) for rank in ranks],
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


def _rank(shapes: Shapes, rank: int, stage: StageEstimate | None, device: Device) -> dict[str, Any]:
    if stage:
        return asdict(rank_cost(shapes, rank, stage, device))
    parameters = adapter_parameters(shapes, rank)
    return {"rank": rank, "parameters": parameters, "share": parameters / shapes.parameters}


def estimate_text(value: Mapping[str, Any]) -> str:
    """Return the tables of an estimate."""
    base = value["base"]
    blocks = [f"{base['name']}: {base['parameters']:,} parameters, by {base['source']}"]
    blocks += [_stage_text(stage) for stage in value["stages"]]
    if not value["stages"]:
        blocks.append("The recipe has no training stages: nothing is trained.")
    blocks.append(_ranks_text(value["ranks"]))
    return "\n\n".join(blocks)


def _ranks_text(ranks: Sequence[Mapping[str, Any]]) -> str:
    heads = ["rank", "parameters", "share of the base"]
    rows = [[str(row["rank"]), f"{row['parameters']:,}", f"{row['share']:.3%}"] for row in ranks]
    if any("needs" in row for row in ranks):
        heads += ["adapter", "with gradients and moments", "the stage in all"]
        rows = [
            [*cells, *(size(row[part]) for part in ("adapter", "training", "needs"))]
            for cells, row in zip(rows, ranks, strict=True)
        ]
    return table(heads, rows)


def estimate_lines(value: Mapping[str, Any]) -> list[str]:
    """Return an estimate in a line a stage: what trains, what it takes on the first device, and whether it fits."""
    if not value["stages"]:
        return ["no training stages: nothing is trained"]
    return [_stage_line(stage, value["base"]) for stage in value["stages"]]


def _stage_line(stage: Mapping[str, Any], base: Mapping[str, Any]) -> str:
    rank = f" rank {stage['rank']}" if stage["rank"] else ""
    device = stage["devices"][0]
    return (
        f"{stage['method']}{rank}: {stage['trainable']:,} of {base['parameters']:,} parameters train "
        f"({stage['share']:.2%}), {size(device['needs'])} of {size(device['memory'])} here: "
        f"{'fits' if device['fits'] else _verdict(device)}"
    )


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
    return table(heads, [(part, *(size(by_bits[bits][part]) for bits in columns)) for part in PARTS])


def _fit_rows(stage: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for device in stage["devices"]:
        yield device["name"], f"{device['memory'] / 2**30:.0f} GiB", size(device["needs"]), _verdict(device)


def _verdict(device: Mapping[str, Any]) -> str:
    if device["fits"]:
        return "yes"
    why = f"no, {device['reason']}" if device["reason"] else "no"
    if not device["changes"]:
        return f"{why}; nor with any change of the stage"
    return f"{why}; with {', '.join(device['changes'])} it takes {size(device['needs_then'])}"


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} GB"
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"
