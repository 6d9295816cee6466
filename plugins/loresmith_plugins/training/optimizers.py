"""The optimizer of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from loresmith_plugins.training.options import LoopOptions


def optimizer_of(model: Any, weights: Mapping[str, torch.Tensor], options: LoopOptions) -> torch.optim.Optimizer:
    """Return AdamW; beside a base in 4 bit on CUDA one whose state has 8 bit and moves to main memory when it must.

    The paged optimizer is that of QLoRA (arXiv:2305.14314, section 3).
    """
    given: dict[str, Any] = {"lr": options.learning_rate, "weight_decay": options.weight_decay}
    if getattr(model, "is_loaded_in_4bit", False) and model.device.type == "cuda":
        from bitsandbytes.optim.adamw import PagedAdamW8bit

        paged: torch.optim.Optimizer = PagedAdamW8bit(list(weights.values()), **given)
        return paged
    return torch.optim.AdamW(list(weights.values()), **given)
