"""The word index: BM25 over stemmed words, kept as arrays beside the vectors and scored with nothing but numpy.

    bm25(q, c) = Σ_t n(t, q) · ln(1 + (N - df_t + ½) / (df_t + ½)) · tf / (tf + k1 (1 - b + b · |c| / avg|c|))

after Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), with the idf of Lucene, which is never
negative. The folder carries the fingerprint of the chunks it was made from. One that does not fit is made anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith.errors import MissingExtraError
from loresmith.files import read_json, replacing, write_json
from loresmith.values import Chunk
from loresmith.words import words
from loresmith_plugins.retrievers.fusion import Ranking, Scored
from loresmith_plugins.retrievers.spoken import Spoken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

K1 = 1.5
B = 0.75
_FINGERPRINT = "fingerprint.json"
_TERMS = "terms.json"
_MAKE = 3
"""Raise it when words are cut, stemmed or stored differently: old folders are then made anew."""

_STOP = frozenset(
    words(
        "a about after all also am an and any are as at be because been before being between both but by can could did "
        "do does doing for from had has have having he her here hers him his how i if in into is it its just me more "
        "most my no nor not of on once only or other our out over own s same she should so some such t than that the "
        "their them then there these they this those through to too under until up very was we were what when where "
        "which while who whom whose why will with would you your"
    )
)


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
        self.ids = sorted(chunks)
        """The chunks' ids in the order of the scores."""
        self._row_of = {id_: row for row, id_ in enumerate(self.ids)}

    def save(self) -> None:
        """Make the index and write it, unless the one that is there fits."""
        if self._fits():
            return
        import numpy as np

        terms, arrays = self._make(self._spoken())
        with replacing(self._folder) as folder:
            folder.mkdir()
            for name, array in arrays.items():
                np.save(folder / f"{name}.npy", array)
            write_json(folder / _TERMS, terms)
            write_json(folder / _FINGERPRINT, self._stamp)

    def ask(self, queries: Sequence[str], allowed: frozenset[str] | None = None) -> WordsAsked:
        """Return what the words say of a batch of queries; `allowed` holds the ids of the chunks that may be found."""
        return WordsAsked(self, queries, allowed)

    def scores(self, query: str) -> Scores:
        """Return the BM25 score of every chunk, shape (chunks,), in the order of `ids`; 0 without a common word."""
        import numpy as np

        scores = np.zeros(len(self.ids), dtype=np.float32)
        for stem in self._stems(query):
            rows, weights = self._postings(stem)
            # A term names a chunk once, so that no addition is lost.
            scores[rows] += weights
        return scores

    def coverage(self, query: str, rows: Sequence[int]) -> float:
        """Return how much of a query that of some chunks says which says most: the share of its words' idf, 0 to 1."""
        import numpy as np

        some = np.sort(np.asarray(rows, dtype=np.int32))
        said = np.zeros(len(some))
        wanted = 0.0
        for stem in set(self._stems(query)):
            there, _ = self._postings(stem)
            idf = _idf(len(there), len(self.ids))
            wanted += idf
            if len(there):
                at = np.minimum(np.searchsorted(there, some), len(there) - 1)
                said += idf * (there[at] == some)
        return float(said.max()) / wanted if wanted and len(said) else 0.0

    def best(self, scores: Scores, k: int, allowed: frozenset[str] | None = None) -> list[tuple[str, float]]:
        """Return the k best as (chunk id, score), none at 0; equal ones in the order of the ids.

        Args:
            scores: What `scores` gave.
            k: How many.
            allowed: Ids of the chunks that may be found; None for all.
        """
        import numpy as np

        rows = np.flatnonzero(scores > 0)
        if allowed is not None:
            rows = np.array([row for row in rows if self.ids[row] in allowed], dtype=np.int64)
        if len(rows) > k:
            # Those that equal the k-th stay in, so that the ids decide between them.
            rows = rows[scores[rows] >= np.partition(scores[rows], len(rows) - k)[len(rows) - k]]
        order = rows[np.argsort(-scores[rows], kind="stable")][:k]
        return [(self.ids[row], float(scores[row])) for row in order]

    def rows(self, ids: Sequence[str]) -> list[int]:
        """Return the places of chunks in the order of `ids`."""
        return [self._row_of[id_] for id_ in ids]

    def shared(self, query: str, chunk: Chunk) -> list[str]:
        """Return the words of a query that a chunk has, in any form, as the query writes them."""
        there = set(self._stems(chunk.searchable))
        said = [word for word in words(query) if word not in _STOP]
        return list(dict.fromkeys(word for word, stem in zip(said, self._stemmed(said), strict=True) if stem in there))

    def _postings(self, stem: str) -> tuple[Any, Any]:
        """Return the rows of the chunks that have a word, and what it is worth in each; none for an unknown one."""
        terms, arrays = self._index
        begin, end = arrays["starts"][term : term + 2] if (term := terms.get(stem)) is not None else (0, 0)
        return arrays["rows"][begin:end], arrays["weights"][begin:end]

    @cached_property
    def _index(self) -> tuple[dict[str, int], dict[str, Any]]:
        if not self._fits():
            return self._make(self._spoken())
        import numpy as np

        # Plain views: a slice of a memory map costs ten times as much as one of an array.
        arrays = {
            name: np.asarray(np.load(self._folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in ("starts", "rows", "weights")
        }
        return read_json(self._folder / _TERMS), arrays

    def _fits(self) -> bool:
        try:
            return bool(read_json(self._folder / _FINGERPRINT) == self._stamp)
        except (OSError, ValueError):
            return False

    def _spoken(self) -> Spoken:
        """Return what the index in the folder was made of, whichever chunks; nothing if it cannot be read."""
        try:
            if read_json(self._folder / _FINGERPRINT)["make"] != _MAKE:
                return Spoken()
            return Spoken.read(self._folder, read_json(self._folder / _TERMS))
        except (OSError, ValueError, TypeError, KeyError):
            return Spoken()

    def _make(self, before: Spoken) -> tuple[dict[str, int], dict[str, Any]]:
        """Return the terms by number, and the postings: those of term t are `rows` and `weights` from starts[t] on."""
        import numpy as np

        terms: dict[str, int] = {}
        texts = [self._chunks[id_].searchable for id_ in self.ids]
        all_stems = (self._stems(text) if (known := before.stems(text)) is None else known for text in texts)
        spoken = [
            np.fromiter((terms.setdefault(stem, len(terms)) for stem in stems), dtype=np.int64) for stems in all_stems
        ]
        lengths = np.array([len(some) for some in spoken], dtype=np.float64)
        row_of = np.repeat(np.arange(len(spoken)), lengths.astype(np.int64))
        said = np.concatenate([*spoken, np.empty(0, dtype=np.int64)]) * max(1, len(spoken)) + row_of
        pairs, counts = np.unique(said, return_counts=True)
        term_of, rows = np.divmod(pairs, max(1, len(spoken)))
        frequency = np.bincount(term_of, minlength=len(terms))
        idf = np.array([_idf(count, len(spoken)) for count in frequency.tolist()])
        longer = 1 - B + B * lengths[rows] / (lengths.mean() if terms else 1.0)
        return terms, {
            "starts": np.concatenate([[0], np.cumsum(frequency)]).astype(np.int64),
            "rows": rows.astype(np.int32),
            "weights": (idf[term_of] * counts / (counts + K1 * longer)).astype(np.float32),
            **Spoken.arrays(texts, spoken),
        }

    def _stems(self, text: str) -> list[str]:
        return self._stemmed(word for word in words(text) if word not in _STOP)

    def _stemmed(self, some: Iterable[str]) -> list[str]:
        stems: list[str] = self._stemmer.stemWords(list(some))
        return stems

    @cached_property
    def _stemmer(self) -> Any:
        try:
            import Stemmer
        except ImportError as error:
            raise MissingExtraError("PyStemmer", "rag") from error
        return Stemmer.Stemmer("english")


def _idf(frequency: int, chunks: int) -> float:
    return math.log1p((chunks - frequency + 0.5) / (frequency + 0.5))


class WordsAsked:
    """What the words say of a batch of queries: a way of `fusion`.

    Args:
        index: The word index.
        queries: The queries.
        allowed: Ids of the chunks that may be found; None for all.
    """

    def __init__(self, index: WordIndex, queries: Sequence[str], allowed: frozenset[str] | None) -> None:
        self._index, self._queries, self._allowed = index, queries, allowed
        self._scores = [index.scores(query) for query in queries]

    def best(self, depth: int) -> list[Ranking]:
        """Return for each query the chunks with its words, best first."""
        return [self._index.best(scores, depth, self._allowed) for scores in self._scores]

    def scored(self, query: int, ids: Sequence[str]) -> Scored:
        """Return the scores of some chunks; the words are trusted as far as one of them covers the query.

        A question in other words than the documents' has its few common words in many chunks, by chance.
        """
        scores, rows = self._scores[query], self._index.rows(ids)
        trust = self._index.coverage(self._queries[query], rows)
        mean = float(scores.mean())
        # Several times faster than `std`, which makes two copies of what may be a hundred thousand scores.
        deviation = math.sqrt(max(0.0, float(scores @ scores) / len(scores) - mean**2))
        return Scored(dict(zip(ids, scores[rows].tolist(), strict=True)), mean, deviation, trust)
