"""What makes a folder a model that can be used here: safetensors, config and tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from loresmith.errors import ModelRefused

SHARDS = "model.safetensors.index.json"
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def check_folder(folder: Path, name: str) -> None:
    """Refuse a folder that is not a whole model.

    Raises:
        ModelRefused: Saying what is missing, and what to do.
    """
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    check_listing(files, name)
    absent = sorted(shard for shard in _shards(folder) if not (folder / shard).is_file())
    if absent:
        raise ModelRefused(
            f'the model "{name}" lacks {len(absent)} of its weight files: {", ".join(absent[:3])}',
            "Copy or download it again; the files are named in its " + SHARDS + ".",
        )


def check_listing(files: Iterable[str], name: str) -> None:
    """Refuse a model by the names of its files, before anything of it is fetched; raises as `check_folder`."""
    top = {file for file in files if "/" not in file}
    suffixes = {PurePosixPath(file).suffix for file in top}
    if "adapter_config.json" in top and "config.json" not in top:
        raise ModelRefused(f'"{name}" is an adapter, not a model', "Name the model it was trained on as `base`.")
    if ".safetensors" not in suffixes:
        raise _without_safetensors(name, suffixes)
    missing = []
    if "config.json" not in top:
        missing.append("config.json")
    if not top.intersection(TOKENIZERS):
        missing.append("a tokenizer (tokenizer.json or tokenizer.model)")
    if missing:
        raise ModelRefused(
            f'the model "{name}" lacks {" and ".join(missing)}',
            "A model folder has config.json, *.safetensors and the tokenizer's files.",
        )


def _without_safetensors(name: str, suffixes: set[str]) -> ModelRefused:
    if suffixes.intersection(PICKLES):
        return ModelRefused(
            f'the model "{name}" has only pickle weights, which can run code when they are opened',
            "Use a version with *.safetensors, or convert it where that does no harm (`save_pretrained` writes them).",
        )
    if ".gguf" in suffixes:
        return ModelRefused(
            f'the model "{name}" has only GGUF weights, which cannot be trained',
            "Use the version with *.safetensors that it was made from.",
        )
    return ModelRefused(
        f'the model "{name}" has no weights (*.safetensors)',
        "A model folder has config.json, *.safetensors and the tokenizer's files.",
    )


def _shards(folder: Path) -> set[str]:
    index = folder / SHARDS
    if not index.is_file():
        return set()
    try:
        return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelRefused(f'"{index}" is not a list of weight files', "Copy or download the model again.") from error
