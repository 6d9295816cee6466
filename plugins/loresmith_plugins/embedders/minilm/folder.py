"""A model folder in the sentence-transformers layout: what it says about pooling and window, and its hash.

    config.json  model.safetensors  tokenizer.json
    modules.json  sentence_bert_config.json  1_Pooling/config.json      (each may be missing)

Nothing of it is executed: weights come as safetensors, and a step this encoder does not know is refused.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from loresmith.errors import ModelRefused
from loresmith.filehashes import remembered_hashes
from loresmith.values import content_hash

Pooling = Literal["mean", "cls"]

_NEEDED = ("config.json", "model.safetensors", "tokenizer.json")
_OPTIONAL = ("modules.json", "sentence_bert_config.json", "1_Pooling/config.json", "tokenizer_config.json")
_STEPS = ("Transformer", "Pooling", "Normalize")
_POOLING: dict[str, Pooling] = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


@dataclass(frozen=True, slots=True)
class EncoderFolder:
    """A checked model folder.

    Args:
        path: The folder.
        dimension: Length of a vector.
        window: Longest text in tokens, special tokens included; what is beyond is cut off.
        pooling: How token vectors become one.
    """

    path: Path
    dimension: int
    window: int
    pooling: Pooling

    @classmethod
    def open(cls, path: Path) -> EncoderFolder:
        """Read the settings of a folder; the weights are not touched.

        Raises:
            ModelRefused: If a file is missing or damaged, or the model does something that is not known here.
        """
        missing = [name for name in _NEEDED if not (path / name).is_file()]
        if missing:
            raise ModelRefused(
                f'"{path}" is no embedding model for this: {", ".join(missing)} is missing',
                "It must hold config.json, model.safetensors and tokenizer.json, as sentence-transformers saves them.",
            )
        _check_steps(path)
        config = _settings(path, "config.json")
        dimension = config.get("hidden_size") or config.get("dim")
        if not isinstance(dimension, int):
            raise ModelRefused(f'"{path / "config.json"}" does not say its hidden_size')
        return cls(path, dimension, _window(path, config), _pooling(path))

    def identity(self) -> str:
        """Return the hash of everything that changes the vectors."""
        with remembered_hashes(self.path) as hash_of:
            files = [hash_of(self.path / name) for name in _NEEDED]
        return content_hash(*files, str(self.window), self.pooling)


def copy_model(source: Path, folder: Path) -> None:
    """Copy from `source` what an encoder needs, and nothing else."""
    for name in (*_NEEDED, *_OPTIONAL):
        if (source / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, folder / name)
    EncoderFolder.open(folder)


def _settings(path: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads((path / name).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelRefused(f'"{path / name}" is damaged: {error}', "Fetch the model again.") from error
    if not isinstance(value, dict):
        raise ModelRefused(f'"{path / name}" must hold an object', "Fetch the model again.")
    return value


def _check_steps(path: Path) -> None:
    if not (path / "modules.json").is_file():
        return
    try:
        steps = [str(step["type"]).rsplit(".", 1)[-1] for step in json.loads((path / "modules.json").read_bytes())]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefused(f'"{path / "modules.json"}" is damaged', "Fetch the model again.") from error
    unknown = [step for step in steps if step not in _STEPS]
    if unknown:
        raise ModelRefused(
            f'"{path}" has a step {unknown[0]}, which the embedder does not know', f"It knows {', '.join(_STEPS)}."
        )


def _window(path: Path, config: dict[str, Any]) -> int:
    limit = config.get("max_position_embeddings") or 512
    name = "sentence_bert_config.json"
    wanted = _settings(path, name).get("max_seq_length") if (path / name).is_file() else None
    return int(min(wanted or limit, limit))


def _pooling(path: Path) -> Pooling:
    name = "1_Pooling/config.json"
    if not (path / name).is_file():
        return "mean"
    modes = [key for key, on in _settings(path, name).items() if key.startswith("pooling_mode_") and on is True]
    if len(modes) != 1 or modes[0] not in _POOLING:
        raise ModelRefused(f'"{path / name}" asks for {", ".join(modes) or "no pooling"}', "Known are mean and CLS.")
    return _POOLING[modes[0]]
