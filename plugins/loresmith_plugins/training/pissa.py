"""PiSSA: adapters that begin as the principal part of the weights. Meng et al., 2024, arXiv:2404.02948.

W = U S Vᵀ is taken apart into s · B₀ A₀ (its `rank` largest singular values) and the rest R, which is frozen; then
y = R x + s · B A x is trained from B₀, A₀. The rest is no base that anybody has, so what is written fits the base
itself: R + s B A = W + s (B A - B₀ A₀), a plain adapter of twice the rank, [B, -B₀] · [A; A₀].
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from loresmith.files import read_json, write_json

INITIALIZATION = "pissa_niter_4"
"""PEFT's name for it with a randomized decomposition: far quicker than the exact one, and R takes up the rest."""


@torch.no_grad()
def remember_start(model: Any) -> None:
    """Keep A₀ (rank, in) and B₀ (out, rank) with their layers, before the first step."""
    for _, layer in _layers(model):
        for half in ("lora_A", "lora_B"):
            ((weight,),) = [list(part.parameters()) for part in getattr(layer, half).values()]
            layer.register_buffer(f"start_{half}", weight.detach().clone(), persistent=False)


def started(model: Any) -> bool:
    """Whether the adapters of a model began this way, in this stage."""
    return any(hasattr(layer, "start_lora_A") for _, layer in _layers(model))


def write_as_plain_lora(model: Any, folder: Path) -> None:
    """Rewrite the adapter that PEFT saved in `folder` as a plain one of twice the rank on the whole base."""
    file = folder / "adapter_model.safetensors"
    weights = load_file(file)
    for name, layer in _layers(model):
        a, b = f"{name}.lora_A.weight", f"{name}.lora_B.weight"
        weights[a] = torch.cat([weights[a], layer.start_lora_A.to(weights[a])], dim=0)
        weights[b] = torch.cat([weights[b], -layer.start_lora_B.to(weights[b])], dim=1)
    save_file(weights, file, metadata={"format": "pt"})
    config = read_json(folder / "adapter_config.json")
    twice = {"r": 2 * config["r"], "lora_alpha": 2 * config["lora_alpha"], "init_lora_weights": True}
    write_json(folder / "adapter_config.json", config | twice)


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    from peft.tuners.lora import LoraLayer

    return ((name, module) for name, module in model.named_modules() if isinstance(module, LoraLayer))
