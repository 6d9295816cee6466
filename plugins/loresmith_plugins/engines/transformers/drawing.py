"""Draws tokens from a model's distribution; nucleus sampling: Holtzman et al., 2020, arXiv:1904.09751."""

from __future__ import annotations

import torch

from loresmith.values import Sampling, content_hash

LIKELIEST = 256
"""Tokens that are ranked first: to rank a whole vocabulary takes longer than to compute its logits."""


def draws(sampling: Sampling, position: int, count: int) -> torch.Tensor:
    """Return `count` numbers in [0, 1), shape (count,), made of seed and position alone."""
    seed = int(content_hash(str(sampling.seed), str(position))[:15], 16)
    return torch.rand(count, generator=torch.Generator().manual_seed(seed))


def drawn(logits: torch.Tensor, numbers: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Return the token at which the summed probabilities pass each row's number, shape (rows,).

    Args:
        logits: Shape (rows, vocabulary).
        numbers: In [0, 1), shape (rows,).
        sampling: Temperature and nucleus.
    """
    probabilities = (logits.float() / sampling.temperature).softmax(dim=-1)
    if sampling.top_p >= 1:
        return _passed(probabilities, numbers)
    ranked, order = _nucleus(probabilities, sampling.top_p)
    return order.gather(1, _passed(ranked, numbers)[:, None])[:, 0]


def _nucleus(probabilities: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the likeliest tokens' probabilities, those beyond `top_p` zero, and their ids; both (rows, some)."""
    ranked, order = probabilities.topk(min(LIKELIEST, probabilities.shape[-1]), dim=-1)
    if bool((ranked.sum(dim=-1) < top_p).any()):
        ranked, order = probabilities.sort(dim=-1, descending=True)
    likelier = ranked.cumsum(dim=-1) - ranked
    return ranked.masked_fill(likelier >= top_p, 0), order


def _passed(probabilities: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    edges = probabilities.cumsum(dim=-1)
    # Below the last edge, whatever rounding makes of the product.
    level = torch.minimum(numbers * edges[:, -1], torch.nextafter(edges[:, -1], torch.zeros_like(edges[:, -1])))
    # A model that computes NaN has no edge to pass; its draws must still be tokens.
    return torch.searchsorted(edges, level[:, None], right=True)[:, 0].clamp(max=edges.shape[-1] - 1)
