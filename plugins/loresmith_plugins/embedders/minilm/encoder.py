"""The encoder: tokens, transformer, pooling, unit length.

    v = normalise( Σᵢ mᵢ hᵢ / Σᵢ mᵢ )        hᵢ: last hidden state of token i, mᵢ: 1 unless padding

after Reimers and Gurevych, Sentence-BERT (2019). Texts are batched by length in tokens under a budget, so that hardly
any padding is computed, on a CPU none, and what a layer leaves behind still fits the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from loresmith.errors import MissingExtraError, ModelRefused
from loresmith.specs import Progress
from loresmith_plugins.embedders.minilm.folder import EncoderFolder

if TYPE_CHECKING:
    from loresmith.specs import Vectors
    from loresmith_plugins.embedders.minilm.onnx_pass import OnnxPass
    from loresmith_plugins.embedders.minilm.torch_pass import TorchPass

    Pass = OnnxPass | TorchPass
    States = Callable[..., Any]

Given = TypeVar("Given")
Made = TypeVar("Made")
Runtime = Literal["auto", "onnx", "torch"]

MANY = 128
"""Texts from which on an accelerator pays for the seconds that torch takes to load; an index writes 256 at a time."""


class Encoder:
    """Embeds texts; the model is found at the first question about it and loaded at the first text.

    Args:
        find: Gives the model's folder.
        batch: Most texts in one batch.
        runtime: What computes; `auto` is ONNX Runtime where it can, and torch for many texts on an accelerator.
    """

    def __init__(self, find: Callable[[], Path], batch: int, runtime: Runtime = "auto") -> None:
        self._find = find
        self._batch = batch
        self._runtime = runtime

    @cached_property
    def identity(self) -> str:
        """Hash of weights, tokenizer, pooling and window; which runtime computes changes vectors by less than 1e-4."""
        return self._folder.identity()

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._folder.dimension

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """Return unit vectors, shape (len(texts), dimension), float32, in the order given."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        if not texts:
            return vectors
        encodings = self._tokenizer.encode_batch([_storable(text) for text in texts])
        lengths = [len(encoding.ids) for encoding in encodings]
        done = 0
        runs = self._pass(len(texts))
        cut = list(batches(lengths, self._batch, runs.tokens_a_batch, pads=runs.pads))
        ids = ([encodings[row].ids for row in rows] for rows in cut)
        states_of, at_once = (runs, 1) if len(cut) == 1 else (runs.beside, runs.at_once)
        for rows, found in zip(cut, _side_by_side(partial(self._forward, states_of), ids, at_once), strict=True):
            vectors[rows] = found
            done += len(rows)
            if progress:
                progress(done, len(texts))
        return vectors

    def _pass(self, count: int) -> Pass:
        many = count >= MANY and self._runtime == "auto" and accelerator()
        return self._on_torch if many else self._on_cpu

    def _forward(self, states_of: States, ids: list[list[int]]) -> Vectors:
        import numpy as np

        if len({len(sequence) for sequence in ids}) == 1:
            states = states_of(np.array(ids, dtype=np.int64))
            pooled = states[:, 0] if self._folder.pooling == "cls" else states.mean(axis=1)
        else:
            pooled = self._padded(states_of, ids)
        return pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)

    def _padded(self, states_of: States, ids: list[list[int]]) -> Any:
        import numpy as np

        tokens = np.zeros((len(ids), max(map(len, ids))), dtype=np.int64)
        mask = np.zeros(tokens.shape, dtype=np.int32)
        for row, sequence in enumerate(ids):
            tokens[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        states = states_of(tokens, mask)
        if self._folder.pooling == "cls":
            return states[:, 0]
        weights = mask[:, None, :].astype(np.float32)
        return np.matmul(weights, states)[:, 0] / weights.sum(axis=2)

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
    def _on_cpu(self) -> Pass:
        if self._runtime == "torch":
            return self._on_torch
        from loresmith_plugins.embedders.minilm.graph import Unwritable
        from loresmith_plugins.embedders.minilm.onnx_pass import OnnxPass

        try:
            return OnnxPass(self._folder.path)
        except Unwritable as error:
            if self._runtime == "onnx":
                raise ModelRefused(
                    f'the model in "{self._folder.path}" cannot run on ONNX Runtime here: {error}',
                    "Take `runtime: auto`, which runs it on torch.",
                ) from error
            return self._on_torch

    @cached_property
    def _on_torch(self) -> Pass:
        from loresmith_plugins.embedders.minilm.torch_pass import TorchPass

        return TorchPass(self._folder.path)


def accelerator() -> bool:
    """Tell whether there is a CUDA device; asks the system, for asking torch takes seconds."""
    return any(Path(device).exists() for device in ("/dev/nvidia0", "/dev/dxg"))


def batches(lengths: Sequence[int], rows: int, tokens: int, *, pads: bool) -> Iterator[list[int]]:
    """Yield the positions of `lengths` in batches, longest first.

    Args:
        lengths: Length of each text in tokens.
        rows: Most texts in a batch.
        tokens: Most tokens in a batch, padding included; one text alone may exceed it.
        pads: Whether a batch may hold texts of several lengths.
    """
    order = sorted(range(len(lengths)), key=lambda position: (-lengths[position], position))
    runs = [order] if pads else [list(run) for _, run in groupby(order, key=lambda position: lengths[position])]
    for run in runs:
        start = 0
        while start < len(run):
            room = max(1, min(rows, tokens // max(1, lengths[run[start]])))
            yield run[start : start + room]
            start += room


def _side_by_side(work: Callable[[Given], Made], given: Iterable[Given], at_once: int) -> Iterator[Made]:
    """Yield what is made of each, in the order given; who stops listening stops the work that has not begun."""
    if at_once == 1:
        yield from map(work, given)
        return
    workers = ThreadPoolExecutor(at_once)
    try:
        yield from workers.map(work, given)
    finally:
        workers.shutdown(cancel_futures=True)


def _storable(text: str) -> str:
    """Replace half surrogate pairs, which the tokenizer cannot take."""
    return text.encode("utf-8", "replace").decode("utf-8")
