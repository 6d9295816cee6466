"""The adapted linear layer in one piece.

PEFT computes W x, then (alpha / rank) · B A x, then their sum: on a CPU, where memory is slower than arithmetic, the
scaling and adding of full-width tensors costs an eighth of a training step. Here the low-rank product is added into the
result of the wide one, forwards and backwards. The numbers are the same up to rounding.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.nn import functional


def fuse(model: Any) -> int:
    """Let the plain LoRA layers of a PEFT model compute in one piece; return how many do.

    Layers with dropout or another variant than plain LoRA, and models on an accelerator, are left as they are.
    """
    from peft.tuners.lora import Linear

    if model.device.type != "cpu":
        return 0
    fused = 0
    for layer in model.modules():
        if type(layer) is Linear and _is_plain(layer):
            layer.forward = partial(_forward, layer)
            fused += 1
    return fused


def _is_plain(layer: Any) -> bool:
    name = layer.active_adapters[0]
    return (
        len(layer.active_adapters) == 1
        and not getattr(layer, "lora_variant", {}).get(name)
        and isinstance(layer.lora_dropout[name], torch.nn.Identity)
        and not layer.lora_bias[name]
        and isinstance(layer.get_base_layer(), torch.nn.Linear)
        and layer.lora_A[name].weight.dtype == layer.get_base_layer().weight.dtype
    )


def _forward(layer: Any, x: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
    if layer.merged or layer.disable_adapters:
        plain: torch.Tensor = type(layer).forward(layer, x, *rest, **named)
        return plain
    name = layer.active_adapters[0]
    base = layer.get_base_layer()
    y: torch.Tensor = _LowRankLinear.apply(
        x, base.weight, base.bias, layer.lora_A[name].weight, layer.lora_B[name].weight, layer.scaling[name]
    )
    return y


class _LowRankLinear(torch.autograd.Function):
    """y = x Wᵀ + b + s (x Aᵀ) Bᵀ; W (out, in) and b frozen, A (rank, in), B (out, rank)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        w: torch.Tensor,
        bias: torch.Tensor | None,
        a: torch.Tensor,
        b: torch.Tensor,
        s: float,
    ) -> torch.Tensor:
        flat = x.reshape(-1, x.shape[-1])
        low = flat @ a.T
        y = functional.linear(flat, w, bias).addmm_(low, b.T, alpha=s)
        # With A frozen (LoRA-FA) nobody needs the wide input again: that is what it saves.
        ctx.save_for_backward(flat if ctx.needs_input_grad[3] else None, w, a, b, low)
        ctx.scale, ctx.shape = s, x.shape
        return y.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        flat, w, a, b, low = ctx.saved_tensors
        dy = grad.reshape(-1, grad.shape[-1])
        g = torch.mm(dy, b).mul_(ctx.scale)
        dx = (dy @ w).addmm_(g, a).view(ctx.shape) if ctx.needs_input_grad[0] else None
        da = None if flat is None else g.T @ flat
        return dx, None, None, da, torch.mm(dy.T, low).mul_(ctx.scale), None
