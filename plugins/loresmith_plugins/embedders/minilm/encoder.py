"""The encoder: tokens, transformer, pooling, unit length.

    v = normalise( Σᵢ mᵢ hᵢ / Σᵢ mᵢ )        hᵢ: last hidden state of token i, mᵢ: 1 unless padding

after Reimers and Gurevych, Sentence-BERT (2019). Texts are batched by length in tokens under a budget, so that hardly
any padding is computed and what a layer leaves behind still fits the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith.errors import MissingExtraError, ModelRefused
from loresmith.specs import Progress
from loresmith_plugins.embedders.minilm.folder import EncoderFolder

if TYPE_CHECKING:
    from loresmith.specs import Vectors

TOKENS_A_BATCH = 2048
"""Budget of a batch, padding included."""


class Encoder:
    """Embeds texts; the model is found at the first question about it and loaded at the first text.

    Args:
        find: Gives the model's folder.
        batch: Most texts in one batch.
    """

    def __init__(self, find: Callable[[], Path], batch: int) -> None:
        self._find = find
        self._batch = batch

    @cached_property
    def identity(self) -> str:
        """Hash of weights, tokenizer, pooling and window."""
        return self._folder.identity()

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._folder.dimension

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return unit vectors, shape (len(texts), dimension), float32, in the order given."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        encodings = self._tokenizer.encode_batch([_storable(text) for text in texts]) if texts else []
        lengths = [len(encoding.ids) for encoding in encodings]
        done = 0
        for rows in batches(lengths, self._batch, TOKENS_A_BATCH):
            vectors[rows] = self._forward([encodings[row].ids for row in rows])
            done += len(rows)
            if progress:
                progress(done, len(texts))
        return vectors

    def _forward(self, ids: list[list[int]]) -> Vectors:
        import torch

        longest = max(map(len, ids))
        tokens = torch.zeros((len(ids), longest), dtype=torch.long)
        mask = torch.zeros((len(ids), longest), dtype=torch.long)
        for row, sequence in enumerate(ids):
            tokens[row, : len(sequence)] = torch.tensor(sequence)
            mask[row, : len(sequence)] = 1
        device = self._model.device
        with torch.inference_mode():
            even = bool(mask.all())
            # Without a mask attention takes its faster path.
            states = self._model(
                input_ids=tokens.to(device), attention_mask=None if even else mask.to(device)
            ).last_hidden_state
            pooled = self._pool(states, mask.to(device))
            return torch.nn.functional.normalize(pooled.float(), dim=1).cpu().numpy()

    def _pool(self, states: Any, mask: Any) -> Any:
        if self._folder.pooling == "cls":
            return states[:, 0]
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)

    @cached_property
    def _folder(self) -> EncoderFolder:
        return EncoderFolder.open(self._find())

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtraError("tokenizers", "rag") from error
        tokenizer = Tokenizer.from_file(str(self._folder.path / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._folder.window)
        return tokenizer

    @cached_property
    def _model(self) -> Any:
        try:
            import torch
            from transformers import AutoModel
            from transformers.utils import logging
        except ImportError as error:
            raise MissingExtraError("transformers", "rag") from error
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        path = self._folder.path
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
        return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def batches(lengths: Sequence[int], rows: int, tokens: int) -> Iterator[list[int]]:
    """Yield the positions of `lengths` in batches, longest first.

    Args:
        lengths: Length of each text in tokens.
        rows: Most texts in a batch.
        tokens: Most tokens in a batch, padding included; one text alone may exceed it.
    """
    order = sorted(range(len(lengths)), key=lambda position: (-lengths[position], position))
    start = 0
    while start < len(order):
        room = max(1, min(rows, tokens // max(1, lengths[order[start]])))
        yield order[start : start + room]
        start += room


def _storable(text: str) -> str:
    """Replace half surrogate pairs, which the tokenizer cannot take."""
    return text.encode("utf-8", "replace").decode("utf-8")
