"""The parts that a recipe's knowledge names, each built when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from loresmith.errors import RetrievalError
from loresmith.knowledge.manifest import Settings
from loresmith.recipe.components import resolve
from loresmith.recipe.models import Base
from loresmith.registry import Registry
from loresmith.specs import (
    Chunker,
    ChunkerContext,
    ChunkerSpec,
    Embedder,
    EmbedderSpec,
    Retriever,
    RetrieverContext,
    RetrieverSpec,
    Store,
    StoreSpec,
)
from loresmith.values import content_hash


class Parts:
    """Chunker, embedder, store and retriever of a recipe.

    Args:
        knowledge: The section of the recipe.
        registry: Who offers the parts.
        resolve_model: Gives the folder of an embedding model by its name.
        base_model: Gives the folder of the recipe's base model, for a chunker that counts its tokens.

    Raises:
        PluginNotFound, PluginFailed, RecipeError: If a part or its options are wrong.
    """

    def __init__(
        self,
        knowledge: Base,
        registry: Registry,
        resolve_model: Callable[[str], Path],
        base_model: Callable[[], Path] | None = None,
    ) -> None:
        self._chunker = resolve(registry, ChunkerSpec, knowledge.chunker)
        self._embedder = resolve(registry, EmbedderSpec, knowledge.embedder)
        self._store = resolve(registry, StoreSpec, knowledge.store)
        self._retriever = resolve(registry, RetrieverSpec, knowledge.retriever)
        self._resolve_model, self._base_model = resolve_model, base_model

    @cached_property
    def chunker(self) -> Chunker:
        """The chunker."""
        spec, options = self._chunker
        return spec.build(options, ChunkerContext(self._tokenizer_folder))

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder."""
        spec, options = self._embedder
        return spec.build(options, self._resolve_model)

    @cached_property
    def settings(self) -> Settings:
        """What decides which chunks and vectors come out."""
        chunker, chunker_options = self._chunker
        store, store_options = self._store
        cuts_by = chunker.identity(chunker_options, ChunkerContext(self._tokenizer_folder))
        return Settings(
            chunker={
                "kind": chunker.name,
                **chunker_options.model_dump(mode="json", exclude_none=True),
                **({"identity": cuts_by} if cuts_by else {}),
            },
            # Its other options (a batch size, a path to the same weights) change no vector.
            embedder={"kind": self._embedder[0].name, "identity": self.embedder.identity},
            store={
                "kind": store.name,
                **store_options.model_dump(mode="json", exclude_none=True, exclude=set(store.reached_by)),
            },
        )

    @property
    def remote(self) -> bool:
        """Whether the store is on another machine."""
        spec, options = self._store
        return spec.remote(options)

    @property
    def k(self) -> int | None:
        """How many hits the recipe asks its retriever for, where the retriever has such an option."""
        return getattr(self._retriever[1], "k", None)

    def vectors_folder(self, generation: int) -> str:
        """Return the name of the folder for vectors of this embedder and store: others never mix with them."""
        parts = (self.settings.embedder, self.settings.store)
        key = content_hash(*(f"{name}={value}" for part in parts for name, value in sorted(part.items())))
        return f"vectors-{key[:12]}-{generation}"

    def store(self, folder: Path) -> Store:
        """Open the store that keeps its files in `folder`."""
        spec, options = self._store
        return spec.build(options, folder, self.embedder.dimension)

    def retriever_folder(self, index: Path) -> Path:
        """Return the retriever's own folder in the index."""
        return index / f"retriever-{self._retriever[0].name}"

    def retriever(self, context: RetrieverContext) -> Retriever:
        """Build the retriever."""
        spec, options = self._retriever
        return spec.build(options, context)

    def _tokenizer_folder(self, name: str) -> Path:
        """Return the folder of the model whose tokenizer a chunker asks for."""
        if name == "base" and self._base_model:
            return self._base_model()
        if name == "embedder":
            name = getattr(self._embedder[1], "model", "")
        if not name:
            raise RetrievalError(
                f'the embedder "{self._embedder[0].name}" names no model whose tokenizer could count',
                "Name one in the chunker's option `tokenizer`: `base`, a preset, a path or a hub id.",
            )
        return self._resolve_model(name)
