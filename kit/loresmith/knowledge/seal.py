"""A seal on the vectors: proof that the store is as the index left it, and a copy of few vectors for exact search.

The store is the truth. While its files are the very ones that were there when the index was finished (by name, size
and time of change), nothing can have changed in it, so an index of unchanged documents need not open it, and a search
among few vectors may compare a copy of them all in place of opening a database: that is exact, and costs no start.
A file that was touched breaks the seal; then the store itself is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith.errors import RetrievalError
from loresmith.files import read_json, replacing, write_json
from loresmith.specs import Store

if TYPE_CHECKING:
    from loresmith.specs import Vectors

FOLDER = "sealed"
MOST = 10_000
"""Vectors up to which comparing all of them is as fast as a graph search: 2 ms for 384 dimensions on one core."""

_SEAL, _IDS, _COPY = "seal.json", "ids.json", "vectors.npy"


Few = tuple[list[str], "Vectors"]
"""Ids, and their vectors, shape (ids, dimension)."""


def few_vectors(store: Store) -> Few | None:
    """Return all that a store holds, or None where that is too much to copy."""
    ids = sorted(store.ids())
    return (ids, store.vectors(ids)) if len(ids) <= MOST else None


def seal(folder: Path, fingerprint: str, few: Few | None) -> None:
    """Seal the folder of a store that is whole and closed.

    Args:
        folder: The folder of the store.
        fingerprint: Of the index that the vectors belong to.
        few: What to copy for exact search.
    """
    import numpy as np

    files = _files(folder)
    with replacing(folder / FOLDER) as sealed:
        sealed.mkdir()
        if few:
            np.save(sealed / _COPY, few[1])
            write_json(sealed / _IDS, few[0])
        write_json(sealed / _SEAL, {"fingerprint": fingerprint, "files": files})


def is_sealed(folder: Path, fingerprint: str) -> bool:
    """Tell whether the store in a folder is as the index of that fingerprint left it."""
    try:
        return bool(read_json(folder / FOLDER / _SEAL) == {"fingerprint": fingerprint, "files": _files(folder)})
    except (OSError, ValueError):
        return False


def sealed_copy(folder: Path, fingerprint: str) -> CopiedVectors | None:
    """Return the copy of a store's vectors; None where there is no whole one, or the store was touched since."""
    if not is_sealed(folder, fingerprint):
        return None
    # What is wrong with a copy is nothing that the store could not answer.
    with suppress(OSError, ValueError):
        return CopiedVectors(folder / FOLDER)
    return None


def _files(folder: Path) -> list[list[Any]]:
    """Return name, size and time of change of every file but the seal's own."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != FOLDER:
            status = path.stat()
            found.append([name.as_posix(), status.st_size, status.st_mtime_ns])
    return found


class CopiedVectors:
    """Searches a copy by comparing everything: exact, and mapped rather than read.

    Args:
        folder: Where the copy is.

    Raises:
        OSError, ValueError: If it is not whole.
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self._ids: list[str] = read_json(folder / _IDS)
        self._rows = {id_: row for row, id_ in enumerate(self._ids)}
        self._vectors: Vectors = np.load(folder / _COPY, mmap_mode="r", allow_pickle=False)
        if len(self._vectors) != len(self._ids):
            raise ValueError(f"{len(self._ids)} ids for {len(self._vectors)} vectors")

    def search(self, vectors: Vectors, k: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector the k nearest (id, cosine similarity), best first; ties by id."""
        return [self._best(scores, k) for scores in vectors @ self._vectors.T]

    def vectors(self, ids: Sequence[str]) -> Vectors:
        """Return the vectors of these ids, shape (len(ids), dimension), in the order given."""
        import numpy as np

        missing = [id_ for id_ in ids if id_ not in self._rows]
        if missing:
            raise RetrievalError(f'the index lacks vector "{missing[0]}"', "Run `loresmith index`.")
        found: Vectors = np.asarray(self._vectors[[self._rows[id_] for id_ in ids]])
        return found

    def count(self) -> int:
        """Return how many vectors there are."""
        return len(self._ids)

    def _best(self, scores: Any, k: int) -> list[tuple[str, float]]:
        import numpy as np

        # Those that equal the k-th stay in, so that the ids decide between them.
        least = np.partition(scores, len(scores) - k)[len(scores) - k] if k < len(scores) else -np.inf
        pairs = [(self._ids[row], float(scores[row])) for row in np.flatnonzero(scores >= least)]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]
