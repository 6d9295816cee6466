"""The cross-encoder: question and passage in one input, relevance out.

    score(q, c) = σ( head( transformer( [CLS] q [SEP] c [SEP] ) ) )        one output; with two, p(second)

after Nogueira and Cho (2019). Pairs are batched by length in tokens under a budget, as texts are for the embedder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from loresmith.errors import MissingExtraError, ModelRefused
from loresmith.values import Hit
from loresmith_plugins.embedders.minilm.encoder import batches
from loresmith_plugins.rerankers.options import by_score

TOKENS_A_BATCH = 2048
PAIRS_A_BATCH = 64


class CrossEncoder:
    """Scores hits between 0 and 1; the model is found and loaded at the first question.

    Args:
        find: Gives the model's folder.
        window: Longest pair in tokens; what is beyond is cut off the longer of the two.
    """

    def __init__(self, find: Callable[[], Path], window: int) -> None:
        self._find = find
        self._window = window

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """Return the same hits, best first."""
        return by_score(hits, self.scores(query, [hit.chunk.searchable for hit in hits]))

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return how relevant each text is to the query, from 0 to 1."""
        pairs = [self._tokenizer(query, text, truncation="longest_first", max_length=self._longest) for text in texts]
        scores = [0.0] * len(texts)
        for rows in batches([len(pair["input_ids"]) for pair in pairs], PAIRS_A_BATCH, TOKENS_A_BATCH, pads=True):
            for row, score in zip(rows, self._forward([pairs[row] for row in rows]), strict=True):
                scores[row] = score
        return scores

    def _forward(self, pairs: list[Any]) -> list[float]:
        import torch

        inputs = self._tokenizer.pad(pairs, return_tensors="pt").to(self._model.device)
        with torch.inference_mode():
            logits = self._model(**inputs).logits.float()
        chances = logits.sigmoid()[:, 0] if logits.shape[1] == 1 else logits.softmax(dim=1)[:, 1]
        scores: list[float] = chances.tolist()
        return scores

    @property
    def _longest(self) -> int:
        return min(self._window, int(self._model.config.max_position_embeddings))

    @cached_property
    def _folder(self) -> Path:
        return self._find()

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(str(self._folder), local_files_only=True, trust_remote_code=False)

    @cached_property
    def _model(self) -> Any:
        try:
            import torch
            from transformers import AutoModelForSequenceClassification
            from transformers.utils import logging
        except ImportError as error:
            raise MissingExtraError("transformers", "rag") from error
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        model, report = AutoModelForSequenceClassification.from_pretrained(
            str(self._folder),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
        missing = sorted(report["missing_keys"])
        if missing:
            raise ModelRefused(
                f'"{self._folder}" is no cross-encoder: its weights lack {missing[0]}',
                "Name a sequence-classification model, such as cross-encoder/ms-marco-MiniLM-L6-v2.",
            )
        if model.config.num_labels > 2:
            raise ModelRefused(
                f'"{self._folder}" tells {model.config.num_labels} classes apart, not relevant from irrelevant',
                "Name a model with one output, or two.",
            )
        return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")
