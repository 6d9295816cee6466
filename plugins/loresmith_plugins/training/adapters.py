"""What of a model trains: all of it, or low-rank adapters on it, and how that is written down.

LoRA: Hu et al., 2021, arXiv:2106.09685. rsLoRA (scale alpha / √rank): Kalajdzievski, 2023, arXiv:2312.03732. DoRA
(magnitude and direction apart): Liu et al., 2024, arXiv:2402.09353. LoRA-FA (A frozen): Zhang et al., 2023,
arXiv:2308.03303. PiSSA: see `pissa`; QLoRA: see `quantized`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch

from loresmith.modelstore.cache import MANIFEST
from loresmith_plugins.engines.transformers.load import load_model, old_names_allowed
from loresmith_plugins.training import pissa
from loresmith_plugins.training.checkpoints import write_whole
from loresmith_plugins.training.fitting import check_fit, refuse_others
from loresmith_plugins.training.options import AdapterOptions
from loresmith_plugins.training.quantized import load_quantized

_WEIGHTS = {".safetensors", ".bin", ".gguf", ".pt", ".pth"}
_NOT_OURS = {"config.json", MANIFEST}


def trainable_model(base: Path, options: AdapterOptions, start: Path | None) -> Any:
    """Load the weights a stage starts from and return the model that trains; arguments and errors as `with_adapter`.

    What does not fit is refused before anything is loaded.
    """
    check_fit(options, base, start)
    model = load_quantized(base) if options.adapter == "qlora" else load_model(base).model
    return with_adapter(model, options, start)


def with_adapter(model: Any, options: AdapterOptions, start: Path | None, *, task: str = "CAUSAL_LM") -> Any:
    """Return the model with what trains: y = W x + s · B A x, W frozen, B zero at the start, s = alpha / rank.

    With `adapter: none` there is no A and B, and W trains; the adapter of the stage before is first added to it.

    Args:
        model: The base model, in 4 bit for `adapter: qlora`.
        options: Rank, alpha, variant, dropout and targets.
        start: Adapter of the stage before, to go on from.
        task: What PEFT calls the task; SEQ_CLS trains the head of a model that scores as well.

    Raises:
        TrainError: If the stage asks for other adapters than the one it goes on from.
    """
    if options.adapter == "none":
        return _all_weights(model, options, start)
    adapted = _going_on(model, options, start) if start else _new(model, options, task)
    if options.variant == "lora_fa":
        for name, weight in adapted.named_parameters():
            if ".lora_A." in name:
                weight.requires_grad_(False)
    return adapted


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

    It fits the base as it is: what an initialization took out of the base's weights is put into the adapter.

    Raises:
        TrainError: If it cannot be written.
    """
    for config in model.peft_config.values():
        config.base_model_name_or_path = base
    write_whole(folder, "the adapter", lambda temporary: _save(model, temporary))


def save_model(model: Any, folder: Path, base: Path) -> None:
    """Write whole weights with config, and beside them all that `base` has but weights: tokenizer, template, licence.

    Raises:
        TrainError: If it cannot be written.
    """
    write_whole(folder, "the model", lambda temporary: _save_whole(model, temporary, base))


def _new(model: Any, options: AdapterOptions, task: str) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules=options.targets,
        use_dora=options.variant == "dora",
        use_rslora=options.variant == "rslora",
        init_lora_weights=pissa.INITIALIZATION if options.variant == "pissa" else True,
        task_type=task,
    )
    with old_names_allowed():
        adapted: Any = get_peft_model(model, config, autocast_adapter_dtype=False)
    _set_precision(adapted, options)
    if options.variant == "pissa":
        pissa.remember_start(adapted)
    return adapted


def _going_on(model: Any, options: AdapterOptions, start: Path) -> Any:
    from peft import PeftConfig, PeftModel

    config = PeftConfig.from_pretrained(str(start))
    refuse_others(config, options)
    if "dropout" in options.model_fields_set:
        config.lora_dropout = options.dropout
    with old_names_allowed():
        adapted: Any = PeftModel.from_pretrained(
            model, str(start), is_trainable=True, config=config, autocast_adapter_dtype=False
        )
    _set_precision(adapted, options)
    return adapted


def _set_precision(adapted: Any, options: AdapterOptions) -> None:
    for weight in trainable(adapted).values():
        weight.data = weight.data.to(getattr(torch, options.adapter_dtype))


def _all_weights(model: Any, options: AdapterOptions, start: Path | None) -> Any:
    if start is not None:
        from peft import PeftModel

        with old_names_allowed():
            model = PeftModel.from_pretrained(model, str(start)).merge_and_unload()
    model.to(getattr(torch, options.adapter_dtype))
    return model.requires_grad_(True)


def _save(model: Any, folder: Path) -> None:
    # With "auto" PEFT would ask a hub for the base by its name.
    model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    if pissa.started(model):
        pissa.write_as_plain_lora(model, folder)


def _save_whole(model: Any, folder: Path, base: Path) -> None:
    model.save_pretrained(str(folder))
    for path in base.iterdir():
        is_weights = path.suffix in _WEIGHTS or path.name.endswith(".index.json")
        if path.is_file() and not path.name.startswith(".") and not is_weights and path.name not in _NOT_OURS:
            shutil.copyfile(path, folder / path.name)
