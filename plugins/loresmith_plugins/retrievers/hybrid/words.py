"""The word index: BM25 over stemmed words, kept as arrays beside the vectors.

The folder carries the fingerprint of the chunks it was made from. One that does not fit is made anew; nothing in it
is ever unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from loresmith.errors import MissingExtraError
from loresmith.files import read_json, replacing, write_json
from loresmith.values import Chunk

_WORD = re.compile(r"\w+")
_FINGERPRINT = "fingerprint.json"
_MAKE = 1
"""Raise it when words are cut, stemmed or stored differently: old folders are then made anew."""


class WordIndex:
    """Scores chunks by their words.

    Args:
        folder: Where the arrays are kept.
        fingerprint: Changes whenever the chunks do.
        chunks: All chunks by id.
    """

    def __init__(self, folder: Path, fingerprint: str, chunks: Mapping[str, Chunk]) -> None:
        self._folder = folder
        self._stamp = {"make": _MAKE, "chunks": fingerprint}
        self._chunks = chunks
        self._ids = sorted(chunks)

    def save(self) -> None:
        """Make the index and write it, unless the one that is there fits."""
        if self._fits():
            return
        scorer = self._make()
        with replacing(self._folder) as folder:
            folder.mkdir()
            if scorer is not None:
                scorer.save(folder, show_progress=False)
            write_json(folder / _FINGERPRINT, self._stamp)

    def search(self, queries: Sequence[str], k: int) -> list[list[tuple[str, float]]]:
        """Return for each query at most k (chunk id, BM25 score), best first; only chunks with a word of the query."""
        return [self._best(words, k) for words in self._words(queries)]

    def _best(self, words: list[str], k: int) -> list[tuple[str, float]]:
        import numpy as np

        if self._scorer is None or not words:
            return []
        scores = self._scorer.get_scores(words)
        # A stable sort keeps equal scores in the order of the ids.
        best = np.argsort(-scores, kind="stable")[:k]
        return [(self._ids[row], float(scores[row])) for row in best if scores[row] > 0]

    @cached_property
    def _scorer(self) -> Any:
        if not self._fits():
            return self._make()
        # An index over chunks without a single word has no arrays.
        if not (self._folder / "params.index.json").is_file():
            return None
        return _bm25s().BM25.load(self._folder, mmap=True, show_progress=False)

    def _fits(self) -> bool:
        try:
            return bool(read_json(self._folder / _FINGERPRINT) == self._stamp)
        except (OSError, ValueError):
            return False

    def _make(self) -> Any:
        words = self._words([self._chunks[id_].searchable for id_ in self._ids])
        if not any(words):
            return None
        scorer = _bm25s().BM25(method="lucene")
        scorer.index(words, show_progress=False)
        return scorer

    def _words(self, texts: Sequence[str]) -> list[list[str]]:
        from bm25s.stopwords import STOPWORDS_EN

        stop = set(STOPWORDS_EN)
        stem = self._stemmer.stemWords
        return [stem([word for word in _WORD.findall(text.lower()) if word not in stop]) for text in texts]

    @cached_property
    def _stemmer(self) -> Any:
        try:
            import Stemmer
        except ImportError as error:
            raise MissingExtraError("PyStemmer", "rag") from error
        return Stemmer.Stemmer("english")


def _bm25s() -> Any:
    try:
        import bm25s
    except ImportError as error:
        raise MissingExtraError("bm25s", "rag") from error
    return bm25s
