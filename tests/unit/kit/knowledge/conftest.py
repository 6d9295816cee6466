"""A project of four documents, indexed with the built-in parts and an embedder that counts what it embeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.knowledge.index import IndexReport, open_retriever, refresh
from loresmith.options import Options
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from loresmith.specs import EmbedderSpec, Progress, Retriever
from loresmith.values import content_hash

DOCUMENTS = {
    "dogs.md": "# Dogs\n\nDogs travel free on the open deck. A dog in a cabin pays 6.00 marks.",
    "fares.md": "# Fares\n\nThe single fare is 9.40 marks.\n\nChildren pay 4.70 marks.",
    "refunds.md": "# Refunds\n\nThe Line pays the whole fare when it cancels a sailing.",
    "bikes.txt": "Bicycles cost 2.00 marks and stand on the car deck.",
}


class CountingOptions(Options):
    seed: int = 0


@dataclass
class Counting:
    """Embeds by the hashes of words; notes every text."""

    seed: int = 0
    texts: list[str] = field(default_factory=list)
    dimension: int = 32
    stop_after: int | None = None

    @property
    def identity(self) -> str:
        return f"counting-{self.seed}"

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> Any:
        vectors = np.full((len(texts), self.dimension), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            if self.stop_after is not None and len(self.texts) >= self.stop_after:
                raise KeyboardInterrupt
            self.texts.append(text)
            for word in text.lower().split():
                vectors[row, int(content_hash(word, str(self.seed))[:8], 16) % self.dimension] += 1
            if progress:
                progress(row + 1, len(texts))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@dataclass
class Desk:
    """The project with all that is needed to index it."""

    project: Project
    host: PluginHost
    embedder: Counting
    knowledge: dict[str, Any]

    @property
    def docs(self) -> Path:
        return self.project.root / "docs"

    @property
    def recipe(self) -> Recipe:
        return Recipe.model_validate(
            {
                "name": "desk",
                "base": "tiny",
                "instructions": "You answer.",
                "knowledge": self.knowledge,
                "data": {"examples": [{"kind": "jsonl", "path": "x.jsonl"}]},
            }
        )

    def refresh(self, **more: Any) -> IndexReport:
        self.embedder.texts.clear()
        return refresh(self.project, self.recipe, self.host, Path, **more)

    def open(self, **more: Any) -> Retriever:
        return open_retriever(self.project, self.recipe, self.host, Path, **more)

    def found(self, query: str = "dogs on deck", k: int = 20) -> list[str]:
        return [hit.chunk.document for hit in self.open().search([query], k)[0]]


@pytest.fixture
def desk(tmp_path: Path, host: PluginHost) -> Desk:
    (tmp_path / "docs").mkdir()
    (tmp_path / "assistant.yaml").write_text("name: desk\n")
    for name, text in DOCUMENTS.items():
        (tmp_path / "docs" / name).write_text(text)
    embedder = Counting()

    def build(options: CountingOptions, _: object) -> Counting:
        embedder.seed = options.seed
        return embedder

    class Plugin:
        @hookimpl
        def register_embedders(self, register: Callable[[EmbedderSpec], None]) -> None:
            register(EmbedderSpec(name="counting", summary="Counts", options=CountingOptions, build=build))

    assert host.add(Plugin(), "counting").state == "loaded"
    knowledge = {
        "sources": [{"kind": "files", "path": "docs"}],
        "chunker": {"kind": "recursive", "size": 100, "overlap": 0},
        "embedder": {"kind": "counting"},
    }
    return Desk(Project.open(tmp_path), host, embedder, knowledge)
