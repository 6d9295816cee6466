"""Finds the shapes of a base model: its weights' headers if it is here, else its config from the hub, else its size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loresmith.errors import ModelError, ModelRefused
from loresmith.estimate.published import published, size_in
from loresmith.estimate.shapes import Shapes, from_config, from_tensors
from loresmith.files import read_json
from loresmith.modelstore import hub
from loresmith.modelstore.store import ModelStore

LONGEST_HEADER = 100_000_000
"""Bytes a header may have, as the format says; what claims more is no such file."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base model: its shapes and where they come from; `folder` is None where it is not on this machine."""

    name: str
    shapes: Shapes
    source: str
    folder: Path | None = None


def find_base(name: str, store: ModelStore) -> Base:
    """Return the shapes of a model by preset, path or hub id; nothing but a config is ever fetched.

    Raises:
        ModelRefused: If the model is here, or on the hub, and cannot be estimated.
        ModelError: If its shapes cannot be had, saying what was tried.
    """
    folder = store.here(name)
    if folder is not None:
        return Base(name, read_shapes(folder, name), "its weights, which are here", folder)
    preset = store.presets.get(name)
    try:
        config = hub.fetch_config(preset.hub if preset else name)
    except ModelRefused:
        raise
    except ModelError as error:
        size = size_in(name)
        if size is not None:
            why = f"the hub was {error.message}"
            return Base(name, published(size), f"the published shapes of {size}, for it is not here and {why}")
        raise ModelError(
            f'the shapes of "{name}" cannot be had: it is not here, and the hub was {error.message}',
            f"Fetch it with `loresmith models pull {name}`, or name a published size with --params, as in --params 7b.",
        ) from error
    return Base(name, from_config(config, name), "its config on the hub")


def read_shapes(folder: Path, name: str) -> Shapes:
    """Return the shapes of a model folder: what the headers of its weights say, beside its config.

    Raises:
        ModelRefused: If config or weights cannot be read.
    """
    try:
        config = read_json(folder / "config.json")
    except (OSError, ValueError) as error:
        raise ModelRefused(f'the config.json of "{name}" cannot be read: {error}') from error
    shapes = from_config(config, name)
    if "quantization_config" in config:
        # Packed weights do not have the shapes they stand for.
        return shapes
    tensors: dict[str, list[int]] = {}
    for file in sorted(folder.glob("*.safetensors")):
        tensors |= {key: entry["shape"] for key, entry in read_header(file).items() if key != "__metadata__"}
    return from_tensors(shapes, tensors)


def read_header(file: Path) -> Mapping[str, Any]:
    """Return the header of a safetensors file: its length in eight bytes, then JSON; name to dtype, shape and place.

    Raises:
        ModelRefused: If there is none.
    """
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length)) if length <= LONGEST_HEADER else None
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise ModelRefused(f'"{file}" does not begin as safetensors do', "Copy or download the model again.")
    return header
