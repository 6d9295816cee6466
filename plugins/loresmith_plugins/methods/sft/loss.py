"""Cross-entropy on the trained tokens alone.

The vocabulary is the widest layer of a small model: for SmolLM2-135M its product is a fifth of all arithmetic and its
logits are most of the memory. Both are spent only on positions whose next token enters the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from loresmith_plugins.methods.sft.rows import Row


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as tensors: ids (rows, length), padded on the right, and `targets` True where the NEXT token is trained."""

    ids: torch.Tensor
    targets: torch.Tensor
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
        return cls(ids.to(device), targets.to(device), sum(len(row.ids) for row in rows))


class TrainedTokenLoss:
    """Sum of -log p(token) over the trained tokens of a batch.

    Args:
        model: A causal language model, with or without adapters.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._backbone = getattr(inner, inner.base_model_prefix, None)
        self._head = inner.get_output_embeddings()
        self._split = self._backbone is not None and self._head is not None and self._heads_agree()

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Return the summed loss (a scalar) in nats."""
        if self._split:
            hidden = self._backbone(input_ids=batch.ids, use_cache=False).last_hidden_state
            logits = self._head(hidden[:, :-1][batch.targets])
        else:
            logits = self._model(input_ids=batch.ids, use_cache=False).logits[:, :-1][batch.targets]
        return functional.cross_entropy(logits.float(), batch.ids[:, 1:][batch.targets], reduction="sum")

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
