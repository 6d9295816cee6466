"""What training really learned: the singular values of each layer's update, and how much of it a lower rank would keep.

A low-rank adapter changes a layer by s · B · A, with A (rank, inputs) and B (outputs, rank). The wide product is never
made: with B = Q R and Aᵀ = P S, its singular values are those of s · R · Sᵀ, which is rank × rank.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith.errors import MissingExtraError, UsageError
from loresmith.estimate.bases import read_header
from loresmith.files import read_json
from loresmith.rungs import PARTS
from loresmith.runs.folder import RunFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray

PISSA = "PiSSA begins as a part of the weights; its adapter holds the difference to that, with twice the trained rank"
FILE = "adapter_model.safetensors"
_HALF = re.compile(r"(?:base_model\.model\.)?(?P<layer>.+)\.lora_(?P<half>[AB])\.(?:\w+\.)?weight")
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True, slots=True)
class LayerSpectrum:
    """The singular values of one layer's update, largest first.

    Args:
        name: The layer.
        scale: s, by which B · A is multiplied.
    """

    name: str
    outputs: int
    inputs: int
    rank: int
    scale: float
    values: tuple[float, ...]

    @property
    def kind(self) -> str:
        """The last part of its name, by which layers of all blocks are alike."""
        return self.name.rpartition(".")[2]

    def kept(self, rank: int) -> float:
        """Return the share of its energy, the sum of the squared singular values, that the first `rank` hold."""
        whole = math.fsum(value**2 for value in self.values)
        return min(1.0, math.fsum(value**2 for value in self.values[:rank]) / whole) if whole else 1.0

    def rank_for(self, share: float) -> int:
        """Return the lowest rank that keeps a share of its energy; 0 where nothing was learned."""
        if not any(self.values):
            return 0
        return next((rank for rank in range(1, self.rank + 1) if self.kept(rank) >= share), self.rank)


@dataclass(frozen=True, slots=True)
class Spectrum:
    """What an adapter learned.

    Args:
        rungs: The rungs it serves.
        folder: Where it is.
        variant: `lora`, `rslora` or `dora`.
        rank: Its rank, as its config says it.
        alpha: Its alpha.
        remarks: What must be known to read the figures rightly.
        layers: The layers, in the order of their names.
    """

    rungs: tuple[str, ...]
    folder: str
    variant: str
    rank: int
    alpha: float
    remarks: tuple[str, ...]
    layers: tuple[LayerSpectrum, ...]

    @property
    def kinds(self) -> dict[str, list[LayerSpectrum]]:
        """The layers by their kind."""
        found: dict[str, list[LayerSpectrum]] = {}
        for layer in self.layers:
            found.setdefault(layer.kind, []).append(layer)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the object that `runs show --spectrum --json` prints."""
        return asdict(self)


def spectra(run: RunFolder) -> list[Spectrum]:
    """Return the spectrum of each adapter of a run: one that serves several rungs comes once.

    Raises:
        UsageError: If the run has no adapter.
        ModelRefused: If an adapter cannot be read.
        MissingExtraError: If numpy is not installed.
    """
    by_folder: dict[Path, list[str]] = {}
    for rung, parts in PARTS.items():
        weights = run.weights_of(rung) if parts.trained else None
        if weights and weights.adapter:
            by_folder.setdefault(weights.adapter, []).append(rung)
    if not by_folder:
        raise UsageError(f'run "{run.folder.name}" has no adapter', _why_none(run))
    found = [spectrum(folder, rungs) for folder, rungs in by_folder.items()]
    return [replace(each, remarks=(*each.remarks, PISSA)) for each in found] if _began_inside(run) else found


def spectrum(folder: Path, rungs: Sequence[str] = ()) -> Spectrum:
    """Return what the adapter in a folder learned; raises as `spectra`."""
    config = read_json(folder / "adapter_config.json")
    halves: dict[str, dict[str, Any]] = {}
    others = set()
    for name, read in _tensors(folder / FILE):
        found = _HALF.fullmatch(name)
        if found:
            halves.setdefault(found["layer"], {})[found["half"]] = read
        else:
            others.add(name)
    layers = tuple(_layer(name, halves[name], config) for name in sorted(halves) if len(halves[name]) == 2)
    variant = "dora" if config.get("use_dora") else "rslora" if config.get("use_rslora") else "lora"
    return Spectrum(
        rungs=tuple(rungs),
        folder=str(folder),
        variant=variant,
        rank=int(config["r"]),
        alpha=float(config["lora_alpha"]),
        remarks=tuple(_remarks(config, variant, layers, others)),
        layers=layers,
    )


def _began_inside(run: RunFolder) -> bool:
    """Return whether a stage of the run began with a part of the weights, of which the adapter itself says nothing."""
    import yaml

    try:
        stages = yaml.safe_load(run.recipe.read_text(encoding="utf-8"))["training"]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return False
    return any(stage.get("variant") == "pissa" for stage in stages)


def _why_none(run: RunFolder) -> str:
    if run.model.is_dir():
        return "It trained all weights: their update has no low rank to look into."
    return "It is trained for the rungs tuned and hybrid: `loresmith build`, with a stage under `training`."


def _layer(name: str, halves: Mapping[str, Any], config: Mapping[str, Any]) -> LayerSpectrum:
    import numpy as np

    a, b = halves["A"](), halves["B"]()
    rank = a.shape[0]
    scale = _of_layer(name, config, "alpha_pattern", "lora_alpha") / (
        math.sqrt(rank) if config.get("use_rslora") else rank
    )
    # In 64 bit: of an adapter that began as a part of the weights, the update is the difference of two large ones.
    _, r = np.linalg.qr(b.astype("f8"))
    _, s = np.linalg.qr(a.T.astype("f8"))
    values = np.linalg.svd(scale * (r @ s.T), compute_uv=False)
    return LayerSpectrum(name, int(b.shape[0]), int(a.shape[1]), rank, scale, tuple(float(value) for value in values))


def _of_layer(name: str, config: Mapping[str, Any], pattern: str, otherwise: str) -> float:
    """Return a setting of a layer: what the first pattern that its name ends in says, else what holds for all."""
    patterns = config.get(pattern) or {}
    key = next((key for key in patterns if re.fullmatch(rf"(?:.*\.)?{key}", name)), None)
    return float(config[otherwise] if key is None else patterns[key])


def _remarks(
    config: Mapping[str, Any], variant: str, layers: Sequence[LayerSpectrum], others: set[str]
) -> Iterator[str]:
    if not layers:
        yield "none of its tensors are the halves of a low-rank update"
    if variant == "dora":
        yield (
            "DoRA scales every output anew beside s · B · A: these are the figures of that low-rank part, and the "
            "whole update has a higher rank"
        )
        others = {name for name in others if "lora_magnitude_vector" not in name}
    if any(not any(layer.values) for layer in layers):
        count = sum(not any(layer.values) for layer in layers)
        yield f"{count} of {len(layers)} layers learned nothing: their B is zero"
    if config.get("bias", "none") != "none" or others:
        yield f"{len(others)} further tensors were trained whole and are not in these figures"


def _tensors(file: Path) -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a safetensors file: name, and what reads it. Read here, since numpy knows no bfloat16."""
    header = read_header(file)
    with file.open("rb") as stream:
        begin = 8 + int.from_bytes(stream.read(8), "little")
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in _DTYPES:
            yield name, partial(_read, file, begin, entry)


def _read(file: Path, begin: int, entry: Mapping[str, Any]) -> NDArray[Any]:
    try:
        import numpy as np
    except ModuleNotFoundError as error:
        raise MissingExtraError("numpy", "train") from error
    start, end = entry["data_offsets"]
    with file.open("rb") as stream:
        stream.seek(begin + start)
        found = np.frombuffer(stream.read(end - start), dtype=_DTYPES[entry["dtype"]])
    if entry["dtype"] == "BF16":
        # The upper half of a 32-bit number.
        found = (found.astype("<u4") << 16).view("<f4")
    return found.reshape(entry["shape"])
