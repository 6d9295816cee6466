"""Shapes of published models by their size, for an estimate without weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from loresmith.errors import UsageError
from loresmith.estimate.shapes import Shapes, from_config


def _llama(hidden: int, layers: int, heads: int, feed_forward: int, **rest: Any) -> dict[str, Any]:
    return {
        "model_type": "llama", "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "intermediate_size": feed_forward, "vocab_size": 32_000, "max_position_embeddings": 4096,
        "tie_word_embeddings": False, **rest,
    }  # fmt: skip


_NEW: dict[str, Any] = {"vocab_size": 128_256, "num_key_value_heads": 8, "max_position_embeddings": 131_072}

SIZES: Mapping[str, Mapping[str, Any]] = {
    "1b": _llama(2048, 16, 32, 8192, **{**_NEW, "head_dim": 64, "tie_word_embeddings": True}),
    "3b": _llama(3072, 28, 24, 8192, **{**_NEW, "tie_word_embeddings": True}),
    "7b": _llama(4096, 32, 32, 11_008),
    "8b": _llama(4096, 32, 32, 14_336, **_NEW),
    "13b": _llama(5120, 40, 40, 13_824),
    "33b": _llama(6656, 60, 52, 17_920, max_position_embeddings=2048),
    "65b": _llama(8192, 80, 64, 22_016, max_position_embeddings=2048),
    "70b": _llama(8192, 80, 64, 28_672, num_key_value_heads=8),
}
"""Llama: 7b to 65b of the first, 70b of the second (eight key heads), 1b, 3b and 8b of the third."""


def published(size: str) -> Shapes:
    """Return the shapes of a size: `7b`, `13b` ...

    Raises:
        UsageError: If no shapes are known for it.
    """
    config = SIZES.get(size.lower())
    if config is None:
        raise UsageError(
            f'no published shapes are known for "{size}"',
            f"Known: {', '.join(SIZES)}. Of another model give the name or the folder, with --model.",
        )
    return from_config(config, size)


def size_in(name: str) -> str | None:
    """Return the published size that a model's name speaks of (`owner/Llama-2-7b-hf`: `7b`), or None."""
    found = (match.lower() for match in re.findall(r"(?<![\w.])\d+[bB](?![a-zA-Z])", name))
    return next((size for size in found if size in SIZES), None)
