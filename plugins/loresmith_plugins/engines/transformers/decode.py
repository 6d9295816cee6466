"""Greedy decoding of many prompts at once, for machines where every token counts.

What all prompts begin with is read once. Prompts are read in batches of like length and decoded together in one large
batch; rows that have ended leave it. The result is what decoding each prompt by itself gives, up to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from loresmith_plugins.engines.transformers.cache import RoomyCache, RoomyLayer

PREFILL_TOKENS = 4096
"""Tokens read in one pass; more gives no speed on a CPU and costs memory."""

SHRINK_SHARE = 0.85
"""Ended rows are dropped from the batch once this share of the rows or less is still going on."""


@dataclass(slots=True)
class Row:
    """One prompt on its way: `prompt` in, `reply` out, both token ids."""

    prompt: list[int]
    reply: list[int] = field(default_factory=list)
    finished: bool = False
    seconds: float = 0.0


class Decoder:
    """Greedy decoding with one model.

    Args:
        model: A causal language model in evaluation mode.
        eos_ids: Ids that end a reply.
        max_tokens: Longest reply, in tokens.
        batch_tokens: Positions (prompt and reply) kept in the cache at once.
    """

    def __init__(self, model: Any, eos_ids: frozenset[int], max_tokens: int, batch_tokens: int) -> None:
        self.model, self.eos_ids = model, eos_ids
        self.max_tokens, self.batch_tokens = max_tokens, batch_tokens

    @torch.inference_mode()
    def decode(self, prompts: Sequence[list[int]], progress: Callable[[int, int], None] | None = None) -> list[Row]:
        """Return one row a prompt, in the order given; `progress` counts prompts."""
        rows = [Row(list(prompt)) for prompt in prompts]
        prefix, prefix_cache = self._read_prefix([row.prompt for row in rows])
        done = 0
        for batch in self._batches(rows):
            started = time.perf_counter()
            self._decode_batch(batch, prefix, prefix_cache)
            seconds = time.perf_counter() - started
            # Reading and writing cost about the same a token in a large batch, so a row's share is its tokens.
            weights = [len(row.prompt) - prefix + 3 * len(row.reply) for row in batch]
            for row, weight in zip(batch, weights, strict=True):
                row.seconds = seconds * weight / sum(weights)
            done += len(batch)
            if progress:
                progress(done, len(rows))
        return rows

    @torch.inference_mode()
    def stream(self, prompt: list[int]) -> Iterator[int]:
        """Yield the ids of the reply to one prompt, without the end of turn."""
        row = Row(list(prompt))
        batch = self._prefill([row], 0, None)
        yield from self._steps_of_one(batch)

    def _batches(self, rows: list[Row]) -> Iterator[list[Row]]:
        """Group rows by length, longest first, so that a batch fits the cache."""
        batch: list[Row] = []
        for row in sorted(rows, key=lambda r: len(r.prompt), reverse=True):
            longest = len(batch[0].prompt if batch else row.prompt) + self.max_tokens
            if batch and longest * (len(batch) + 1) > self.batch_tokens:
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _read_prefix(self, prompts: Sequence[list[int]]) -> tuple[int, DynamicCache | None]:
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

    def _decode_batch(self, rows: list[Row], prefix: int, prefix_cache: DynamicCache | None) -> None:
        batch = self._prefill(rows, prefix, prefix_cache)
        going = list(rows)
        while True:
            chosen = batch.logits.argmax(dim=-1)
            keep = self._take(going, chosen.tolist())
            if not keep:
                return
            if len(keep) <= SHRINK_SHARE * len(going):
                index = torch.tensor(keep, device=chosen.device)
                batch.keep_rows(index)
                going, chosen = [going[i] for i in keep], chosen[index]
            self._step(batch, chosen)

    def _take(self, rows: list[Row], tokens: list[int]) -> list[int]:
        """Append each row's token, and return the positions of the rows that go on."""
        keep = []
        for position, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            if row.finished or len(row.reply) >= self.max_tokens:
                continue
            if token in self.eos_ids:
                row.finished = True
                continue
            row.reply.append(token)
            if len(row.reply) < self.max_tokens:
                keep.append(position)
        return keep

    def _steps_of_one(self, batch: _Batch) -> Iterator[int]:
        for _ in range(self.max_tokens):
            chosen = batch.logits.argmax(dim=-1)
            token = int(chosen.item())
            if token in self.eos_ids:
                return
            yield token
            self._step(batch, chosen)

    def _step(self, batch: _Batch, chosen: torch.Tensor) -> None:
        batch.mask = torch.cat([batch.mask, batch.mask.new_ones(len(chosen), 1)], dim=1)
        out = self.model(
            input_ids=chosen[:, None],
            attention_mask=batch.mask,
            position_ids=batch.next_positions[:, None],
            past_key_values=batch.cache,
            use_cache=True,
        )
        batch.next_positions = batch.next_positions + 1
        batch.logits = out.logits[:, -1]

    def _prefill(self, rows: list[Row], prefix: int, prefix_cache: DynamicCache | None) -> _Batch:
        """Read all prompts into one cache, each ending at the same position; holes in front are masked."""
        device = self.model.device
        lengths = [len(row.prompt) - prefix for row in rows]
        width = prefix + max(lengths)
        mask = torch.zeros(len(rows), width, dtype=torch.long, device=device)
        mask[:, :prefix] = 1
        for i, length in enumerate(lengths):
            mask[i, width - length :] = 1
        logits: list[torch.Tensor] = []
        layers: list[tuple[torch.Tensor, torch.Tensor]] = []
        for start, stop in _prefill_slices(lengths):
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
        return _Batch(cache, mask, positions, torch.cat(logits))

    def _read_slice(self, rows: list[Row], prefix: int, width: int, prefix_cache: DynamicCache | None) -> Any:
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
        shape = (rows, heads, width + self.max_tokens, size)
        # Zeros, not empty memory: a masked hole must not hold a NaN, which no mask takes out again.
        return layer.keys.new_zeros(shape), layer.values.new_zeros((*shape[:3], layer.values.shape[3]))


@dataclass(slots=True)
class _Batch:
    """A batch in decoding: `mask` is (rows, positions), `logits` (rows, vocabulary) for the next token."""

    cache: RoomyCache
    mask: torch.Tensor
    next_positions: torch.Tensor
    logits: torch.Tensor

    def keep_rows(self, rows: torch.Tensor) -> None:
        self.cache.keep_rows(rows)
        self.mask, self.next_positions, self.logits = self.mask[rows], self.next_positions[rows], self.logits[rows]


def common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many ids all prompts begin with, leaving each at least one of its own."""
    first, last = min(map(list, prompts)), max(map(list, prompts))
    limit = min(len(prompt) for prompt in prompts) - 1
    for i, (a, b) in enumerate(zip(first[:limit], last[:limit], strict=True)):
        if a != b:
            return i
    return max(limit, 0)


def _prefill_slices(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut rows, sorted from long to short, into slices of at most `PREFILL_TOKENS` padded tokens."""
    start = 0
    while start < len(lengths):
        count = max(1, PREFILL_TOKENS // max(1, lengths[start]))
        yield start, min(start + count, len(lengths))
        start += count
