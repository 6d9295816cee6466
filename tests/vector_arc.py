"""Four chunks whose vectors lie on an arc: chunk n is nearest to a query of length n (modulo 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from loresmith.specs import RetrieverContext
from loresmith.values import Chunk

TEXTS = {
    "dogs": "Dogs travel free on the open deck. A dog in a cabin pays.",
    "fares": "The single fare is 9.40 marks on route 7.",
    "refund": "Refunds are paid when the Line cancels a sailing.",
    "blank": "and of the",
}


def chunks(texts: Mapping[str, str] = TEXTS) -> dict[str, Chunk]:
    """Return one chunk a text, each in a document of its own."""
    return {name: Chunk(name, f"{name}.md", 0, len(text), text, "") for name, text in texts.items()}


class Arc:
    """A store whose vectors lie on an arc, 30 degrees apart; notes how many were asked for."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.depths: list[int] = []
        self.asked: list[list[str]] = []

    def search(self, vectors: Any, k: int) -> list[list[tuple[str, float]]]:
        self.depths.append(k)
        scored = [[(name, float(at(n) @ vector)) for n, name in enumerate(self.names)] for vector in vectors]
        return [sorted(row, key=lambda pair: (-pair[1], pair[0]))[:k] for row in scored]

    def vectors(self, ids: Sequence[str]) -> Any:
        self.asked.append(list(ids))
        return np.array([at(self.names.index(id_)) for id_ in ids], dtype=np.float32).reshape(len(ids), 2)


def at(n: int) -> Any:
    """Return the vector at a place of the arc."""
    return np.array([np.cos(n * np.pi / 6), np.sin(n * np.pi / 6)], dtype=np.float32)


def context(
    folder: Path, fingerprint: str = "1", texts: Mapping[str, str] = TEXTS, store: Arc | None = None, **more: Any
) -> RetrieverContext:
    """Return what a retriever is built from."""

    def embed(queries: Sequence[str]) -> Any:
        return np.array([at(len(query) % 4) for query in queries], dtype=np.float32).reshape(len(queries), 2)

    arc = store or Arc(list(texts))
    return RetrieverContext(folder, fingerprint, chunks(texts), embed, lambda: arc, **more)
