"""Served = trained: what the engine will read and compute is what was trained, token by token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from loresmith_plugins.methods.sft.rows import Row

COMPARED = 4
"""Rows whose next-token choices are compared, the shortest: enough to see a wrong scale or a lost layer."""


@torch.no_grad()
def parity(model: Any, rows: Sequence[Row], prompts: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Compare the adapter beside the base, as it trained, with the adapter merged into it, as it is served.

    The model is left as it was.

    Args:
        model: A PEFT model.
        rows: Held-out rows as trained.
        prompts: Token ids of the same conversations as the engine reads them, without the reply.

    Returns:
        How many prompts there are and how many are equal, how many next tokens are chosen greedily over the compared
        rows and how many equally, and the largest difference of a logit.
    """
    equal = sum(row.ids[: len(prompt)] == tuple(prompt) for row, prompt in zip(rows, prompts, strict=True))
    some = sorted(rows, key=lambda row: len(row.ids))[:COMPARED]
    was_training = model.training
    model.eval()
    trained = [_logits(model, row) for row in some]
    served = _merged(model, some)
    model.train(was_training)
    pairs = list(zip(trained, served, strict=True))
    return {
        "prompts": len(rows),
        "prompts_equal": equal,
        "next_tokens": sum(len(one) for one, _ in pairs),
        "next_tokens_equal": sum(int((one.argmax(-1) == two.argmax(-1)).sum()) for one, two in pairs),
        "largest_difference": round(max(float((one - two).abs().max()) for one, two in pairs), 6),
    }


def _merged(model: Any, rows: Sequence[Row]) -> list[torch.Tensor]:
    """Return the logits of the merged model. What is merged is a copy: to take an adapter out again leaves rounding."""
    own = [(weight, weight.data) for weight in model.parameters()]
    model.merge_adapter(safe_merge=True)
    found = [_logits(model, row) for row in rows]
    model.unmerge_adapter()
    for weight, data in own:
        weight.data = data
    return found


def _logits(model: Any, row: Row) -> torch.Tensor:
    """Return the logits before each trained token, shape (trained tokens, vocabulary)."""
    device = model.device
    trained = torch.tensor(row.trained[1:], device=device)
    logits: torch.Tensor = model(input_ids=torch.tensor([row.ids], device=device), use_cache=False).logits
    return logits[0, :-1][trained].float()
