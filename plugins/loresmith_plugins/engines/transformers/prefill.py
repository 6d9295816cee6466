"""Reads many prompts into one cache: what all begin with is read once, and prompts of like length together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from loresmith_plugins.engines.transformers.cache import RoomyCache, RoomyLayer

PREFILL_TOKENS = 4096
"""Tokens read in one pass; more gives no speed on a CPU and costs memory."""


@dataclass(slots=True)
class Row:
    """One prompt on its way: `prompt` in, `reply` out, both token ids; `draws` decides where a reply is drawn.

    Args:
        draws: Numbers in [0, 1), one a token of the longest reply; None where the likeliest token is taken.
        end: The id that ended the reply; it is not part of it. None where the room did.
    """

    prompt: list[int]
    reply: list[int] = field(default_factory=list)
    finished: bool = False
    seconds: float = 0.0
    draws: torch.Tensor | None = None
    end: int | None = None


@dataclass(slots=True)
class Batch:
    """A batch that was read: `mask` is (rows, positions), `logits` (rows, vocabulary) for the next token."""

    cache: RoomyCache
    mask: torch.Tensor
    next_positions: torch.Tensor
    logits: torch.Tensor

    def keep_rows(self, rows: torch.Tensor) -> None:
        """Keep only these rows."""
        self.cache.keep_rows(rows)
        self.mask, self.next_positions, self.logits = self.mask[rows], self.next_positions[rows], self.logits[rows]


class Prefill:
    """Reads prompts with one model.

    Args:
        model: A causal language model in evaluation mode.
        room: Tokens that will be written behind each prompt.
    """

    def __init__(self, model: Any, room: int) -> None:
        self.model, self.room = model, room

    def batches(self, rows: Sequence[Row], positions: int) -> Iterator[list[Row]]:
        """Group rows by length, longest first, so that a batch takes at most so many positions of the cache."""
        batch: list[Row] = []
        for row in sorted(rows, key=lambda r: len(r.prompt), reverse=True):
            longest = len(batch[0].prompt if batch else row.prompt) + self.room
            if batch and longest * (len(batch) + 1) > positions:
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def prefix(self, prompts: Sequence[Sequence[int]]) -> tuple[int, DynamicCache | None]:
        """Read what all prompts begin with, once; its length leaves every prompt at least one token."""
        if len(prompts) < 2:
            return 0, None
        length = common_prefix(prompts)
        if length < 8:
            return 0, None
        cache = DynamicCache()
        ids = torch.tensor([prompts[0][:length]], device=self.model.device)
        self.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return length, cache

    def read(self, rows: Sequence[Row], prefix: int = 0, prefix_cache: DynamicCache | None = None) -> Batch:
        """Read all prompts, sorted from long to short, into one cache, each ending at the same position.

        Holes in front are masked.
        """
        device = self.model.device
        lengths = [len(row.prompt) - prefix for row in rows]
        width = prefix + max(lengths)
        mask = torch.zeros(len(rows), width, dtype=torch.long, device=device)
        mask[:, :prefix] = 1
        for i, length in enumerate(lengths):
            mask[i, width - length :] = 1
        logits: list[torch.Tensor] = []
        layers: list[tuple[torch.Tensor, torch.Tensor]] = []
        for start, stop in _slices(lengths):
            local = max(lengths[start:stop])
            piece = self._read_slice(rows[start:stop], prefix, local, prefix_cache)
            logits.append(piece.logits[:, -1])
            if not layers:
                layers = [self._room(layer, len(rows), width) for layer in piece.past_key_values.layers]
            for (keys, values), layer in zip(layers, piece.past_key_values.layers, strict=True):
                for target, source in ((keys, layer.keys), (values, layer.values)):
                    target[start:stop, :, :prefix] = source[:, :, :prefix]
                    target[start:stop, :, width - local : width] = source[:, :, prefix:]
        positions = torch.tensor([len(row.prompt) for row in rows], device=device)
        cache = RoomyCache([RoomyLayer(keys, values, width) for keys, values in layers])
        return Batch(cache, mask, positions, torch.cat(logits))

    def _read_slice(self, rows: Sequence[Row], prefix: int, width: int, prefix_cache: DynamicCache | None) -> Any:
        device = self.model.device
        ids = torch.zeros(len(rows), width, dtype=torch.long, device=device)
        mask = torch.zeros(len(rows), prefix + width, dtype=torch.long, device=device)
        mask[:, :prefix] = 1
        for i, row in enumerate(rows):
            suffix = row.prompt[prefix:]
            ids[i, width - len(suffix) :] = torch.tensor(suffix, device=device)
            mask[i, prefix + width - len(suffix) :] = 1
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, prefix:]
        cache = DynamicCache()
        if prefix_cache is not None:
            for i, layer in enumerate(prefix_cache.layers):
                keys = layer.keys.expand(len(rows), -1, -1, -1)
                cache.update(keys, layer.values.expand(len(rows), -1, -1, -1), i)
        return self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )

    def _room(self, layer: Any, rows: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        heads, size = layer.keys.shape[1], layer.keys.shape[3]
        shape = (rows, heads, width + self.room, size)
        # Zeros, not empty memory: a masked hole must not hold a NaN, which no mask takes out again.
        return layer.keys.new_zeros(shape), layer.values.new_zeros((*shape[:3], layer.values.shape[3]))


def common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many ids all prompts begin with, leaving each at least one of its own."""
    first, last = min(map(list, prompts)), max(map(list, prompts))
    limit = min(len(prompt) for prompt in prompts) - 1
    for i, (a, b) in enumerate(zip(first[:limit], last[:limit], strict=True)):
        if a != b:
            return i
    return max(limit, 0)


def _slices(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut rows, sorted from long to short, into slices of at most `PREFILL_TOKENS` padded tokens."""
    start = 0
    while start < len(lengths):
        count = max(1, PREFILL_TOKENS // max(1, lengths[start]))
        yield start, min(start + count, len(lengths))
        start += count
