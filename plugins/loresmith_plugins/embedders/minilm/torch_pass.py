"""The encoder's forward pass on PyTorch: for accelerators, and for models that cannot be written as a graph here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loresmith.errors import MissingExtraError, ModelRefused


class TorchPass:
    """The model's last hidden states, computed by transformers.

    Args:
        path: The model's folder.

    Raises:
        MissingExtraError: If torch or transformers is not installed.
        ModelRefused: If weights are missing.
    """

    tokens_a_batch = 2048
    """Budget of a batch, padding included."""
    pads = True
    """Whether a batch may hold texts of several lengths: an accelerator would rather pad than wait."""
    at_once = 1
    """Batches to compute at a time: torch shares each among all cores."""

    def __init__(self, path: Path) -> None:
        try:
            import torch
            from transformers import AutoModel
            from transformers.utils import logging
        except ImportError as error:
            raise MissingExtraError("transformers", "rag") from error
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        model, report = AutoModel.from_pretrained(
            str(path),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="sdpa",
            output_loading_info=True,
        )
        missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
        if missing:
            raise ModelRefused(f'the weights in "{path}" lack {missing[0]} and {len(missing) - 1} more')
        self._model = model.eval().to("cuda" if torch.cuda.is_available() else "cpu")

    def __call__(self, tokens: Any, mask: Any | None = None) -> Any:
        """Return the states, float32 of shape (texts, longest, dimension).

        Args:
            tokens: int64 of shape (texts, longest).
            mask: int32 of that shape, 0 where a text is padded; not given where none is.
        """
        import torch

        device = self._model.device
        attended = None if mask is None else torch.from_numpy(mask).to(device)
        with torch.inference_mode():
            states = self._model(input_ids=torch.from_numpy(tokens).to(device), attention_mask=attended)
            return states.last_hidden_state.float().cpu().numpy()

    beside = __call__
