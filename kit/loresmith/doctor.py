"""What this machine and this installation can do: for `doctor` and the first screen of the app.

Nothing heavy is imported to find it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from loresmith.estimate.devices import Device, here
from loresmith.estimate.fitting import fit
from loresmith.estimate.plan import ADAPTERS, Adapter, Plan
from loresmith.estimate.published import SIZES, published
from loresmith.estimate.rows import assumed
from loresmith.host import PluginHost
from loresmith.modelstore.store import ModelStore
from loresmith.runs.surroundings import DISTRIBUTION, hardware, versions
from loresmith.specs import Footprint, MethodSpec

EXTRAS = ("train", "rag", "tui")
"""Extras of the distribution that bring what some commands need."""
LENGTH, BATCH = 512, 4
"""Tokens of a row and rows of a step for which is said what fits."""


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra of the distribution, and the libraries of it that are not installed."""

    name: str
    missing: tuple[str, ...]


def examine(host: PluginHost, folder: Path) -> dict[str, Any]:
    """Return what `doctor --json` prints; memory in bytes.

    Args:
        host: The plugins.
        folder: Where relative paths of models start.
    """
    devices = here()
    accelerators = [device.name.removeprefix("this machine: ") for device in devices[1:]]
    store = ModelStore.for_host(host, folder)
    cached = {model.name for model in store.cache.models()}
    return {
        "machine": hardware(accelerators),
        "versions": versions(host),
        "extras": [{"name": extra.name, "missing": list(extra.missing)} for extra in extras()],
        "plugins": [
            {"name": each.name, "version": each.version, "state": each.state, "error": each.error}
            for each in host.statuses
        ],
        "models": [{"name": name, "kind": preset.kind, "here": name in cached} for name, preset in _sorted(store)],
        "methods": [_method(spec, devices) for spec in host.registry.of(MethodSpec)],
    }


def extras() -> list[Extra]:
    """Return the extras, each with what it lacks."""
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        lines = []
    return [Extra(name, tuple(_missing(lines, name))) for name in EXTRAS]


def _missing(lines: list[str], extra: str) -> Iterator[str]:
    for line in lines:
        required, _, marker = line.partition(";")
        name = re.match(r"[A-Za-z0-9._-]+", required)
        # A library that the marker keeps off this platform is not missing; only bitsandbytes has such a marker.
        if name and re.search(rf"""extra\s*==\s*['"]{extra}['"]""", marker) and "platform_machine" not in marker:
            try:
                metadata.version(name.group())
            except metadata.PackageNotFoundError:
                yield name.group()


def _sorted(store: ModelStore) -> list[tuple[str, Any]]:
    return sorted(store.presets.items())


def _method(spec: MethodSpec, devices: list[Device]) -> dict[str, Any]:
    try:
        footprint = spec.footprint(spec.options())
    except ValidationError:  # options without which it cannot be named: what it holds beside the model is unknown
        footprint = Footprint()
    sizes = [
        {"on": device.name, "largest": {adapter: _largest(adapter, footprint, device) for adapter in _ways(spec)}}
        for device in devices
    ]
    return {"name": spec.name, "summary": spec.summary, "devices": sizes}


def _ways(spec: MethodSpec) -> list[Adapter]:
    """Return what a method can train: what its option `adapter` may be, or adapters where it has none."""
    field = spec.options.model_fields.get("adapter")
    allowed = get_args(field.annotation) if field else ("lora",)
    return [adapter for adapter in ADAPTERS if adapter in allowed]


def _largest(adapter: Adapter, footprint: Footprint, device: Device) -> str:
    """Return the largest published size that trains on a device, or an empty text if none does."""
    rows = assumed(LENGTH, "assumed")
    plan = Plan(adapter, rows, batch=BATCH * footprint.rows, checkpointing=True, logits=footprint.logits)
    fitting = [size for size in SIZES if fit(published(size), plan, device).fits]
    return fitting[-1] if fitting else ""
