"""Packing: rows laid end to end in one, each read as if it stood alone.

With the position ids of a packed row starting anew, transformers masks attention block by block. Whether the model at
hand really does so is tried out, not believed: a row that sees its neighbour is trained on what it will never be given.
"""

from __future__ import annotations

from typing import Any

import torch

from loresmith.errors import TrainError


def require_rows_kept_apart(model: Any) -> None:
    """Read two rows packed and alone.

    Raises:
        TrainError: If the model reads the second one otherwise when the first stands before it.
    """
    if not _kept_apart(model):
        name, attention = model.config.model_type, getattr(model.config, "_attn_implementation", "its own")
        raise TrainError(
            f'packing was asked for, and a model of kind "{name}" (attention: {attention}) lets packed rows see each '
            "other",
            "Leave `packing` out: batches of like length carry little padding.",
        )


@torch.no_grad()
def _kept_apart(model: Any) -> bool:
    was_training = model.training
    model.eval()
    one, two = (torch.arange(first, first + 8, device=model.device)[None] for first in (3, 7))
    places = torch.arange(8, device=model.device)[None]
    try:
        both = torch.cat([one, two], dim=1)
        packed = model(input_ids=both, position_ids=torch.cat([places, places], dim=1), use_cache=False).logits[:, 8:]
        alone = model(input_ids=two, use_cache=False).logits
    except (TypeError, ValueError):
        # A model that knows no positions.
        return False
    finally:
        model.train(was_training)
    rounding = 1e-4 if alone.dtype == torch.float32 else 5e-2
    return bool(torch.allclose(packed, alone, atol=rounding * float(alone.abs().max()), rtol=0))
