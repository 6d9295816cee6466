"""Loads a causal language model and its tokenizer: safetensors only, no foreign code."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from loresmith.errors import ModelError
from loresmith_plugins.engines.transformers.chat_format import ChatFormat, end_of_turn_ids


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in evaluation mode, its chat format and its window in tokens."""

    model: Any
    format: ChatFormat
    window: int


def load_format(folder: Path) -> ChatFormat:
    """Load the tokenizer of a model folder, without its weights."""
    from transformers import AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    eos: int | list[int] | None = None
    if (folder / "generation_config.json").is_file():
        eos = GenerationConfig.from_pretrained(str(folder)).eos_token_id
    return ChatFormat(tokenizer, end_of_turn_ids(tokenizer, eos))


def load_model(folder: Path) -> LoadedModel:
    """Load a model folder onto the best device there is: 32 bit on a CPU, 16 bit on an accelerator.

    Raises:
        ModelError: If the weights cannot be read.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging as hf_logging

    hf_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    device = best_device()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model: Any = AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=torch.float32 if device.type == "cpu" else torch.bfloat16,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f'the model in "{folder}" cannot be loaded: {error}') from error
    model.to(device).eval()
    return LoadedModel(model, load_format(folder), window_of(model.config))


def window_of(config: Any) -> int:
    """Return how many tokens a model can read at once."""
    return int(getattr(config.get_text_config(), "max_position_embeddings", 2048))


def best_device() -> torch.device:
    """Return the first accelerator, or the CPU."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator if accelerator is not None else torch.device("cpu")


@contextmanager
def old_names_allowed() -> Iterator[None]:
    """Keep quiet about the names by which PEFT, and we for older releases, ask transformers for checkpointing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*gradient_checkpointing.* is deprecated", FutureWarning)
        yield
