"""One setting tried: which documents it finds for which question, without an index on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loresmith.knowledge.parts import Parts
from loresmith.recipe.models import Base, Component
from loresmith.specs import Progress, RetrieverContext
from loresmith.tuning.vectors import ExactVectors, TextVectors
from loresmith.values import Chunk, Document, content_hash

DEPTH = 40
"""Hits looked at for a question: the most that a choice of k goes through."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the train or dev side: what is searched for, and the documents that ground its answer."""

    query: str
    grounding: frozenset[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a setting finds for one question: documents of its hits in order, and the best hit's score."""

    documents: tuple[str, ...]
    best: float

    def recall(self, question: Question, k: int) -> float:
        """Return the share of the grounding documents among the first k hits."""
        return len(question.grounding & set(self.documents[:k])) / len(question.grounding)


@dataclass(frozen=True, slots=True)
class Setting:
    """A chunker and a retriever as a recipe names them."""

    chunker: Component
    retriever: Component

    def with_options(self, part: str, **options: Any) -> Setting:
        """Return the setting with other options of its `chunker` or `retriever`."""
        old: Component = getattr(self, part)
        new = Component(kind=old.kind, **{**old.options, **options})
        return Setting(new, self.retriever) if part == "chunker" else Setting(self.chunker, new)

    @property
    def key(self) -> str:
        """Hash of the setting."""
        return content_hash(self.chunker.model_dump_json(), self.retriever.model_dump_json())


@dataclass
class Trials:
    """Tries settings on the same documents and questions.

    Args:
        base: The recipe's knowledge.
        documents: Its documents.
        parts: Builds the parts of a knowledge section.
        vectors: Vectors of all texts that were ever tried.
        progress: Told how far embedding is.
    """

    base: Base
    documents: Sequence[Document]
    parts: Callable[[Base], Parts]
    vectors: TextVectors
    progress: Progress | None = None
    _found: dict[str, list[Found]] = field(default_factory=dict)
    _cut: dict[str, list[Chunk]] = field(default_factory=dict)

    def chunks(self, setting: Setting) -> list[Chunk]:
        """Return the chunks that a setting cuts."""
        key = setting.chunker.model_dump_json()
        if key not in self._cut:
            chunker = self._parts(setting).chunker
            self._cut[key] = [chunk for document in self.documents for chunk in chunker.split(document)]
        return self._cut[key]

    def found(self, setting: Setting, queries: Sequence[str]) -> list[Found]:
        """Return what a setting finds for each query."""
        key = content_hash(setting.key, *queries)
        if key not in self._found:
            self._found[key] = self._searched(setting, queries)
        return self._found[key]

    def _searched(self, setting: Setting, queries: Sequence[str]) -> list[Found]:
        chunks = {chunk.id: chunk for chunk in self.chunks(setting)}
        store = ExactVectors(list(chunks), self.vectors.of_chunks(list(chunks.values()), self.progress))
        metadata = {document.id: document.metadata for document in self.documents}
        with TemporaryDirectory() as folder:
            context = RetrieverContext(
                folder=Path(folder),
                fingerprint=setting.key,
                chunks=chunks,
                embed=self.vectors.of_queries,
                store=lambda: store,
                metadata=metadata,
            )
            hits = self._parts(setting).retriever(context).search(queries, DEPTH)
        return [Found(tuple(h.chunk.document for h in row), row[0].score if row else 0.0) for row in hits]

    def _parts(self, setting: Setting) -> Parts:
        return self.parts(self.base.model_copy(update={"chunker": setting.chunker, "retriever": setting.retriever}))
