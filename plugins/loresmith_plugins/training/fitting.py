"""Whether adapters fit a model, told before any weights are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from loresmith.errors import TrainError
from loresmith_plugins.training.options import AdapterOptions


def check_fit(options: AdapterOptions, base: Path, start: Path | None) -> None:
    """Refuse adapters that match no layer of a model, whose rank is above what a layer has, or that are not those had.

    Args:
        options: The adapters.
        base: Folder of the model; only its config is read.
        start: Adapter that the stage goes on from; with one, no new adapters are made.

    Raises:
        TrainError: If they do not fit.
    """
    if options.adapter == "none":
        return
    if start is None:
        _check_new(options, base)
        return
    from peft import PeftConfig

    refuse_others(PeftConfig.from_pretrained(str(start)), options)


def _check_new(options: AdapterOptions, base: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(str(base), trust_remote_code=False)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    layers = dict(_linear(model))
    if isinstance(options.targets, list):
        for target in options.targets:
            if not any(_is(name, target) for name in layers):
                raise _nothing_named(target, layers)
        layers = {name: shape for name, shape in layers.items() if any(_is(name, target) for target in options.targets)}
    narrow = {name: shape for name, shape in layers.items() if min(shape) < options.rank}
    if narrow:
        name, shape = min(narrow.items(), key=lambda item: min(item[1]))
        raise TrainError(
            f'rank {options.rank} is above what {len(narrow)} of the {len(layers)} layers have: "{name}" is '
            f"{shape[0]} × {shape[1]}, so its rank is {min(shape)} at most",
            f"Lower `rank` to {min(shape)}, or name wider layers under `targets`.",
        )


def refuse_others(config: Any, options: AdapterOptions) -> None:
    """Refuse named settings that differ from those of the adapter a stage goes on from.

    Args:
        config: PEFT's config of that adapter.
        options: The stage's.

    Raises:
        TrainError: Saying what the stage asks for and what the adapter has.
    """
    kind = "dora" if config.use_dora else "rslora" if config.use_rslora else "plain"
    wanted: dict[str, tuple[Any, Any]] = {
        "rank": (options.rank, config.r),
        "alpha": (options.alpha, config.lora_alpha),
        "variant": ("plain" if options.variant == "lora_fa" else options.variant, kind),
    }
    for name, (asked, has) in wanted.items():
        if name in options.model_fields_set and asked != has:
            raise TrainError(
                f"the stage asks for {name} {asked}, and the adapter it goes on from has {name} {has}",
                f"Give both stages the same {name}, or leave it out here.",
            )
    if isinstance(options.targets, list) and not isinstance(config.target_modules, str):
        asked_on, is_on = (_kinds(names) for names in (options.targets, config.target_modules))
        if asked_on != is_on:
            raise TrainError(
                f"the stage asks for adapters on {', '.join(asked_on)}, and the adapter it goes on from is on "
                f"{', '.join(is_on)}",
                "Leave `targets` out here.",
            )


def _kinds(names: Iterable[str]) -> list[str]:
    """Return the layers' names without their blocks, which PEFT may put before them."""
    return sorted({name.rpartition(".")[2] for name in names})


def _linear(model: Any) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield name and shape of the layers that can have adapters, the head left out."""
    head = model.get_output_embeddings()
    for name, layer in model.named_modules():
        weight = getattr(layer, "weight", None)
        if weight is not None and weight.ndim == 2 and not isinstance(layer, torch.nn.Embedding) and layer is not head:
            yield name, (int(weight.shape[0]), int(weight.shape[1]))


def _is(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _nothing_named(target: str, layers: dict[str, tuple[int, int]]) -> TrainError:
    kinds = ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in layers))
    return TrainError(f'`targets` names "{target}", and the model has no such linear layer', f"There are: {kinds}.")
