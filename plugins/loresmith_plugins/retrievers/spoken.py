"""The stems that each text had when a word index was made, so that the next one cuts up new texts alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith.values import content_hash

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KEY = 32
_ARRAYS = ("texts", "ends", "said")


class Spoken:
    """What texts say, stem by stem, kept beside the index that was made of it.

    Args:
        terms: The stems by their numbers.
        arrays: `texts`, hashes of the texts; `ends`, where each one's stems end; `said`, the numbers of all of them.
    """

    def __init__(self, terms: Sequence[str] = (), arrays: Mapping[str, NDArray[Any]] | None = None) -> None:
        self._terms = terms
        self._arrays = arrays or {}
        keys = self._arrays["texts"].tolist() if arrays else []
        self._row_of = {key: row for row, key in enumerate(keys)}

    @classmethod
    def read(cls, folder: Path, terms: Mapping[str, int]) -> Spoken:
        """Return what is kept in a folder.

        Args:
            folder: Where the index is.
            terms: Its stems, each with its number.

        Raises:
            OSError, ValueError: If it is not there or not whole.
        """
        import numpy as np

        arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ARRAYS}
        return cls(sorted(terms, key=terms.__getitem__), arrays)

    @staticmethod
    def arrays(texts: Sequence[str], numbers: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[Any]]:
        """Return what to keep of texts, given the numbers of each one's stems."""
        import numpy as np

        return {
            "texts": np.array([_key(text) for text in texts], dtype=f"S{_KEY}"),
            "ends": np.cumsum([len(some) for some in numbers], dtype=np.int64),
            "said": np.concatenate([*numbers, np.empty(0, dtype=np.int64)]).astype(np.int32),
        }

    def stems(self, text: str) -> list[str] | None:
        """Return the stems of a text, or None if it was not there."""
        row = self._row_of.get(_key(text))
        if row is None:
            return None
        ends = self._arrays["ends"]
        begin, end = (ends[row - 1] if row else 0), ends[row]
        return [self._terms[number] for number in self._arrays["said"][begin:end].tolist()]


def _key(text: str) -> bytes:
    return content_hash(text)[:_KEY].encode()
