"""Puts low-rank adapters on a model. LoRA: Hu et al., 2021, arXiv:2106.09685."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from loresmith.errors import TrainError
from loresmith.files import read_json
from loresmith_plugins.engines.transformers.load import old_names_allowed
from loresmith_plugins.methods.sft import SftOptions
from loresmith_plugins.methods.sft.checkpoints import write_whole


def with_lora(model: Any, options: SftOptions, start: Path | None) -> Any:
    """Return the model with trainable adapters: y = W x + (alpha / rank) · B A x, W frozen, B zero at the start.

    Args:
        model: The base model; its own weights are frozen.
        options: Rank, alpha, dropout and targets.
        start: Adapter of the stage before, to go on from.

    Raises:
        TrainError: If the stage asks for another rank than the adapter it goes on from has.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    if start is not None:
        has = read_json(start / "adapter_config.json")["r"]
        if "rank" in options.model_fields_set and has != options.rank:
            raise TrainError(
                f"the stage asks for rank {options.rank}, and the adapter it goes on from has rank {has}",
                "Give both stages the same rank, or leave it out here.",
            )
        with old_names_allowed():
            return PeftModel.from_pretrained(model, str(start), is_trainable=True)
    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules=options.targets,
        task_type="CAUSAL_LM",
    )
    with old_names_allowed():
        return get_peft_model(model, config)


def compute_activations_twice(model: Any) -> None:
    """Keep no activations but those between the blocks; the others are computed again when the gradient needs them."""
    model.enable_input_require_grads()
    with old_names_allowed():
        model.gradient_checkpointing_enable({"use_reentrant": False})


def trainable(model: Any) -> dict[str, torch.Tensor]:
    """Return the weights that train, by name."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def save_adapter(model: Any, folder: Path, base: str) -> None:
    """Write the adapter as PEFT does (safetensors and adapter_config.json), under the name of the base.

    Raises:
        TrainError: If it cannot be written.
    """
    for config in model.peft_config.values():
        config.base_model_name_or_path = base
    write_whole(folder, "the adapter", lambda temporary: _save(model, temporary))


def _save(model: Any, folder: Path) -> None:
    # With "auto" PEFT would ask a hub for the base by its name.
    model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
