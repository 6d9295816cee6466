"""Loads a base in 4 bit. QLoRA: Dettmers et al., 2023, arXiv:2305.14314.

The weights of the linear layers become NF4, 16 levels at the quantiles of a normal distribution, scaled by block; the
scales are quantized again. They are read back block by block where a layer needs them; adapters train beside them.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import torch

from loresmith.errors import MissingExtraError, ModelError
from loresmith_plugins.engines.transformers.load import best_device


def load_quantized(folder: Path) -> Any:
    """Load a model folder in NF4 with double quantization, onto the best device there is.

    Raises:
        MissingExtraError: If bitsandbytes is not installed.
        ModelError: If the weights cannot be read.
    """
    try:
        import bitsandbytes  # noqa: F401  # transformers would name no extra
    except ImportError as error:
        raise MissingExtraError("bitsandbytes", "train") from error
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.utils import logging as hf_logging

    hf_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    device = best_device()
    precision = torch.float32 if device.type == "cpu" else torch.bfloat16
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=precision,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model: Any = AutoModelForCausalLM.from_pretrained(
                str(folder),
                quantization_config=quantization,
                device_map={"": device},
                dtype=precision,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f'the model in "{folder}" cannot be loaded in 4 bit: {error}') from error
    return model.eval()
