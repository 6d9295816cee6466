"""How likely given replies are: log-probabilities of whole options, read rather than generated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from loresmith_plugins.engines.transformers.prefill import Batch, Prefill, Row


@torch.inference_mode()
def option_log_probabilities(
    model: Any, prompts: Sequence[list[int]], options: Sequence[Sequence[int]], batch_tokens: int
) -> list[list[float]]:
    """Return for each prompt the log-probability (nats) of each option behind it: the sum over the option's tokens.

    Every prompt is read once, what all begin with once for all. An option without tokens has the probability 1.

    Args:
        model: A causal language model in evaluation mode.
        prompts: Token ids.
        options: Token ids.
        batch_tokens: Positions kept in the cache at once.
    """
    prefill = Prefill(model, max(1, *(len(option) for option in options)))
    rows = [Row(list(prompt)) for prompt in prompts]
    prefix, prefix_cache = prefill.prefix(prompts)
    found: dict[int, list[float]] = {}
    for some in prefill.batches(rows, batch_tokens):
        batch = prefill.read(some, prefix, prefix_cache)
        columns = [_behind(model, batch, option) for option in options]
        for row, values in zip(some, torch.stack(columns, dim=1).tolist(), strict=True):
            found[id(row)] = values
    return [found[id(row)] for row in rows]


def _behind(model: Any, batch: Batch, option: Sequence[int]) -> torch.Tensor:
    """Return the log-probability of the option behind each row, shape (rows,); the batch is left as it was."""
    if not option:
        return torch.zeros(len(batch.logits))
    rows, device = len(batch.logits), batch.logits.device
    total = batch.logits.float().log_softmax(dim=-1)[:, option[0]]
    if len(option) > 1:
        read = len(option) - 1
        ids = torch.tensor([option[:-1]], device=device).expand(rows, -1)
        out = model(
            input_ids=ids,
            attention_mask=torch.cat([batch.mask, batch.mask.new_ones(rows, read)], dim=1),
            position_ids=batch.next_positions[:, None] + torch.arange(read, device=device),
            past_key_values=batch.cache,
            use_cache=True,
        )
        batch.cache.forget(read)
        wanted = torch.tensor(option[1:], device=device).expand(rows, -1)[:, :, None]
        total = total + out.logits.float().log_softmax(dim=-1).gather(2, wanted)[:, :, 0].sum(dim=1)
    return total.cpu()
