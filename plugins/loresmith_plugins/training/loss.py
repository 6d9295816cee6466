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

from loresmith_plugins.engines.transformers.prefill import common_prefix
from loresmith_plugins.training.rows import Row

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
        positions: Position of each id in its row (rows, length), where several rows share one; else None.
    """

    ids: torch.Tensor
    targets: torch.Tensor
    prefix: int
    tokens: int
    positions: torch.Tensor | None = None

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

    @classmethod
    def packed(cls, rows: Sequence[Row], device: torch.device) -> Batch:
        """Lay rows end to end in one, without padding; see `packing`."""
        ids = torch.tensor([[token for row in rows for token in row.ids]])
        positions = torch.tensor([[position for row in rows for position in range(len(row.ids))]])
        trained = torch.tensor([[learn for row in rows for learn in (False, *row.trained[1:])]])
        return cls(ids.to(device), trained[:, 1:].to(device), 0, ids.shape[1], positions.to(device))


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
        self._parts = backbone_and_head(model)

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Return the summed loss (a scalar) in nats."""
        if self._parts:
            backbone, head = self._parts
            targets = batch.targets[:, batch.prefix if self._shares(batch) else 0 :]
            logits = head(self._hidden(backbone, batch)[targets])
        else:
            logits = self._model(**_read(batch)).logits[:, :-1][batch.targets]
        return functional.cross_entropy(logits.float(), batch.ids[:, 1:][batch.targets], reduction="sum")

    def _shares(self, batch: Batch) -> bool:
        return self._share_prefix and batch.prefix >= SHORTEST_SHARED

    def _hidden(self, backbone: Any, batch: Batch) -> torch.Tensor:
        """Return the last hidden states of all positions but the last, without those of a shared beginning."""
        if not self._shares(batch):
            return backbone(**_read(batch)).last_hidden_state[:, :-1]
        cache = DynamicCache()
        backbone(input_ids=batch.ids[:1, : batch.prefix], past_key_values=cache, use_cache=True)
        for layer in cache.layers:
            layer.keys = layer.keys.expand(len(batch.ids), -1, -1, -1)
            layer.values = layer.values.expand(len(batch.ids), -1, -1, -1)
        rest = backbone(input_ids=batch.ids[:, batch.prefix :], past_key_values=cache, use_cache=True)
        return rest.last_hidden_state[:, :-1]


@torch.no_grad()
def backbone_and_head(model: Any) -> tuple[Any, Any] | None:
    """Return the parts of a causal language model, with or without adapters, whose composition gives its logits.

    None where they do not: some models scale or cap the logits in between.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    backbone: Any = getattr(inner, inner.base_model_prefix, None)
    head: Any = inner.get_output_embeddings()
    if backbone is None or head is None:
        return None
    was_training = model.training
    model.eval()
    ids = torch.arange(3, 11, device=model.device)[None]
    whole = model(input_ids=ids, use_cache=False).logits
    parts = head(backbone(input_ids=ids, use_cache=False).last_hidden_state)
    model.train(was_training)
    return (backbone, head) if torch.allclose(whole, parts, atol=1e-4, rtol=1e-4) else None


def _read(batch: Batch) -> dict[str, Any]:
    """Return what a model is called with to read a batch whole."""
    positions = {} if batch.positions is None else {"position_ids": batch.positions}
    return {"input_ids": batch.ids, "use_cache": False, **positions}
