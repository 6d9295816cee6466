"""Cross-entropy on the trained tokens alone, and what all rows of a batch begin with read once.

The vocabulary is the widest layer of a small model: for SmolLM2-135M its product is a fifth of all arithmetic and its
logits are most of the memory. Both are spent only on positions whose next token enters the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers.cache_utils import DynamicCache

from loresmith_plugins.engines.transformers.decode import common_prefix
from loresmith_plugins.methods.sft.rows import Row

SHORTEST_SHARED = 16
"""A common beginning of fewer tokens is not worth a pass of its own."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as tensors.

    Args:
        ids: Token ids (rows, length), padded on the right.
        targets: (rows, length - 1), True where the NEXT token is trained.
        prefix: How many ids all rows begin with, before any of them is trained.
        tokens: Tokens without padding.
    """

    ids: torch.Tensor
    targets: torch.Tensor
    prefix: int
    tokens: int

    @classmethod
    def of(cls, rows: Sequence[Row], pad: int, device: torch.device) -> Batch:
        """Pad rows on the right. A causal model never looks right, so no attention mask is needed."""
        length = max(len(row.ids) for row in rows)
        ids = torch.full((len(rows), length), pad)
        targets = torch.zeros(len(rows), length - 1, dtype=torch.bool)
        for i, row in enumerate(rows):
            ids[i, : len(row.ids)] = torch.tensor(row.ids)
            targets[i, : len(row.ids) - 1] = torch.tensor(row.trained[1:])
        first = int(targets.any(dim=0).int().argmax())
        prefix = min(first, common_prefix([row.ids for row in rows])) if len(rows) > 1 else 0
        return cls(ids.to(device), targets.to(device), prefix, sum(len(row.ids) for row in rows))


class TrainedTokenLoss:
    """Sum of -log p(token) over the trained tokens of a batch.

    The rows of a batch share their system prompt: it is read once, and its gradient gathers those of all rows.

    Args:
        model: A causal language model, with or without adapters.
        share_prefix: Whether to read the common beginning once; not with gradient checkpointing, which keeps no cache.
    """

    def __init__(self, model: Any, *, share_prefix: bool = True) -> None:
        self._model = model
        self._share_prefix = share_prefix
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._backbone: Any = getattr(inner, inner.base_model_prefix, None)
        self._head: Any = inner.get_output_embeddings()
        self._split = self._backbone is not None and self._head is not None and self._heads_agree()

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Return the summed loss (a scalar) in nats."""
        if self._split:
            logits = self._head(self._hidden(batch)[batch.targets[:, batch.prefix if self._shares(batch) else 0 :]])
        else:
            logits = self._model(input_ids=batch.ids, use_cache=False).logits[:, :-1][batch.targets]
        return functional.cross_entropy(logits.float(), batch.ids[:, 1:][batch.targets], reduction="sum")

    def _shares(self, batch: Batch) -> bool:
        return self._share_prefix and batch.prefix >= SHORTEST_SHARED

    def _hidden(self, batch: Batch) -> torch.Tensor:
        """Return the last hidden states of all positions but the last, without those of a shared beginning."""
        if not self._shares(batch):
            return self._backbone(input_ids=batch.ids, use_cache=False).last_hidden_state[:, :-1]
        cache = DynamicCache()
        self._backbone(input_ids=batch.ids[:1, : batch.prefix], past_key_values=cache, use_cache=True)
        for layer in cache.layers:
            layer.keys = layer.keys.expand(len(batch.ids), -1, -1, -1)
            layer.values = layer.values.expand(len(batch.ids), -1, -1, -1)
        rest = self._backbone(input_ids=batch.ids[:, batch.prefix :], past_key_values=cache, use_cache=True)
        return rest.last_hidden_state[:, :-1]

    @torch.no_grad()
    def _heads_agree(self) -> bool:
        """Whether backbone and head alone give the model's logits; some models scale or cap them in between."""
        was_training = self._model.training
        self._model.eval()
        ids = torch.arange(3, 11, device=self._model.device)[None]
        whole = self._model(input_ids=ids, use_cache=False).logits
        parts = self._head(self._backbone(input_ids=ids, use_cache=False).last_hidden_state)
        self._model.train(was_training)
        return bool(torch.allclose(whole, parts, atol=1e-4, rtol=1e-4))
