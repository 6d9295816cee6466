"""Served = trained: what the engine will read and compute is what was trained, token by token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from loresmith_plugins.engines.transformers.load import load_model, old_names_allowed
from loresmith_plugins.training.rows import Row

COMPARED = 4
"""Rows whose next-token choices are compared, the shortest: enough to see a wrong scale or a lost layer."""


@torch.no_grad()
def parity(
    model: Any,
    rows: Sequence[Row],
    prompts: Sequence[Sequence[int]],
    served: Callable[[], Any] | None = None,
) -> dict[str, Any]:
    """Compare the model as it trained with the model as it is served.

    The model is left as it was.

    Args:
        model: What trained.
        rows: Held-out rows as trained.
        prompts: Token ids of the same conversations as the engine reads them, without the reply; none where the rows
            are no conversations.
        served: Loads what was written, as an engine does. Without it, `model` is a PEFT model whose adapter is merged
            into the weights beside which it trained, which spares the memory of a second model.

    Returns:
        How many prompts there are and how many are equal, how many next tokens are chosen greedily over the compared
        rows and how many equally, and the largest difference of a logit.
    """
    equal = sum(row.ids[: len(prompt)] == tuple(prompt) for row, prompt in zip(rows, prompts, strict=bool(prompts)))
    some = sorted(rows, key=lambda row: len(row.ids))[:COMPARED]
    was_training = model.training
    model.eval()
    trained = _all_logits(model, some)
    pairs = list(zip(trained, _all_logits(served().eval(), some) if served else _merged(model, some), strict=True))
    model.train(was_training)
    return {
        "prompts": len(prompts),
        "prompts_equal": equal,
        "next_tokens": sum(len(one) for one, _ in pairs),
        "next_tokens_equal": sum(int((one.argmax(-1) == two.argmax(-1)).sum()) for one, two in pairs),
        "largest_difference": round(max(float((one - two).abs().max()) for one, two in pairs), 6),
    }


def load_served(base: Path, adapter: Path | None) -> Any:
    """Load the weights a stage left as an engine does: whole, with the adapter merged into them."""
    from peft import PeftModel

    model = load_model(base).model
    if adapter is None:
        return model
    with old_names_allowed():
        return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()


def _all_logits(model: Any, rows: Sequence[Row]) -> list[torch.Tensor]:
    return [_logits(model, row) for row in rows]


def _merged(model: Any, rows: Sequence[Row]) -> list[torch.Tensor]:
    """Return the logits of the merged model. What is merged is a copy: to take an adapter out again leaves rounding."""
    own = [(weight, weight.data) for weight in model.parameters()]
    model.merge_adapter(safe_merge=True)
    found = _all_logits(model, rows)
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
