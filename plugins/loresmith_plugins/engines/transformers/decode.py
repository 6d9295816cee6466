"""Decoding of many prompts at once, for machines where every token counts.

What all prompts begin with is read once. Prompts are read in batches of like length and decoded together in one large
batch; rows that have ended leave it. The result is what decoding each prompt by itself gives, up to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from loresmith.values import Sampling
from loresmith_plugins.engines.transformers.drawing import drawn, draws
from loresmith_plugins.engines.transformers.prefill import Batch, Prefill, Row

SHRINK_SHARE = 0.85
"""Ended rows are dropped from the batch once this share of the rows or less is still going on."""


class Decoder:
    """Decoding with one model: greedy, or drawn.

    Args:
        model: A causal language model in evaluation mode.
        eos_ids: Ids that end a reply.
        max_tokens: Longest reply, in tokens.
        batch_tokens: Positions (prompt and reply) kept in the cache at once.
        sampling: How tokens are drawn; None takes the likeliest. A row's draws depend on the seed and on its position
            among the prompts, not on the rows it is decoded with.
    """

    def __init__(
        self,
        model: Any,
        eos_ids: frozenset[int],
        max_tokens: int,
        batch_tokens: int,
        sampling: Sampling | None = None,
    ) -> None:
        self.model, self.eos_ids = model, eos_ids
        self.max_tokens, self.batch_tokens = max_tokens, batch_tokens
        self.sampling = sampling
        self._prefill = Prefill(model, max_tokens)

    @torch.inference_mode()
    def decode(self, prompts: Sequence[list[int]], progress: Callable[[int, int], None] | None = None) -> list[Row]:
        """Return one row a prompt, in the order given; `progress` counts prompts."""
        rows = [self._row(prompt, position) for position, prompt in enumerate(prompts)]
        prefix, prefix_cache = self._prefill.prefix(prompts)
        done = 0
        for batch in self._prefill.batches(rows, self.batch_tokens):
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
        row = self._row(prompt, 0)
        batch = self._prefill.read([row])
        for _ in range(self.max_tokens):
            chosen = self._choose(batch, [row])
            token = int(chosen.item())
            if token in self.eos_ids:
                return
            row.reply.append(token)
            yield token
            self._step(batch, chosen)

    def _row(self, prompt: Sequence[int], position: int) -> Row:
        if self.sampling is None:
            return Row(list(prompt))
        return Row(list(prompt), draws=draws(self.sampling, position, self.max_tokens))

    def _decode_batch(self, rows: list[Row], prefix: int, prefix_cache: DynamicCache | None) -> None:
        batch = self._prefill.read(rows, prefix, prefix_cache)
        going = list(rows)
        while True:
            chosen = self._choose(batch, going)
            keep = self._take(going, chosen.tolist())
            if not keep:
                return
            if len(keep) <= SHRINK_SHARE * len(going):
                index = torch.tensor(keep, device=chosen.device)
                batch.keep_rows(index)
                going, chosen = [going[i] for i in keep], chosen[index]
            self._step(batch, chosen)

    def _choose(self, batch: Batch, rows: Sequence[Row]) -> torch.Tensor:
        """Return each row's next token, shape (rows,); ended rows get one too, which nobody reads."""
        if self.sampling is None:
            return batch.logits.argmax(dim=-1)
        last = self.max_tokens - 1
        numbers = [0.0 if row.draws is None else float(row.draws[min(len(row.reply), last)]) for row in rows]
        return drawn(batch.logits, torch.tensor(numbers, device=batch.logits.device), self.sampling)

    def _take(self, rows: list[Row], tokens: list[int]) -> list[int]:
        """Append each row's token, and return the positions of the rows that go on."""
        keep = []
        for position, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            if row.finished or len(row.reply) >= self.max_tokens:
                continue
            if token in self.eos_ids:
                row.finished, row.end = True, token
                continue
            row.reply.append(token)
            if len(row.reply) < self.max_tokens:
                keep.append(position)
        return keep

    def _step(self, batch: Batch, chosen: torch.Tensor) -> None:
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
