"""The index: brought up to date with the documents, and opened for search.

    read documents → cut what is new or changed → embed texts not seen before → write chunks, then manifest → tidy up

Only the manifest makes it real. A kill before leaves the old index, with vectors that the next attempt finds done; a
kill after leaves some files that nobody names, and the next attempt removes them.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from loresmith.data.reading import read_documents
from loresmith.errors import RetrievalError
from loresmith.host import PluginHost
from loresmith.knowledge.filtering import FilteredRetriever, hit_filter
from loresmith.knowledge.manifest import FORMAT, Entry, Manifest, fingerprint, read_chunks, write_chunks
from loresmith.knowledge.parts import Parts
from loresmith.knowledge.vectors import ChunkVectors, complete, prune
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from loresmith.specs import Progress, Retriever, RetrieverContext, Searchable
from loresmith.values import Chunk, Document


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a refresh did.

    Args:
        documents: Documents in the index now.
        new: Documents that were not in it.
        changed: Documents whose title or text is another.
        removed: Documents that are gone.
        unchanged: Documents that were left as they were.
        chunks: Chunks in the index now.
        embedded: Texts that had to be embedded.
        because: Why everything was cut or embedded anew; empty when only what changed was.
        fingerprint: The index's fingerprint.
        seconds: Time it took.
    """

    documents: int
    new: int
    changed: int
    removed: int
    unchanged: int
    chunks: int
    embedded: int
    because: str
    fingerprint: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the object that `index --json` prints."""
        return asdict(self)


def refresh(
    project: Project,
    recipe: Recipe,
    host: PluginHost,
    resolve_model: Callable[[str], Path],
    progress: Progress | None = None,
    *,
    rebuild: bool = False,
) -> IndexReport:
    """Bring the index up to date with the documents.

    Args:
        project: Where the index is.
        recipe: What it is made of.
        host: The plugins.
        resolve_model: Gives the folder of an embedding model by its name.
        progress: Told how many texts are embedded.
        rebuild: Cut and embed everything anew.

    Raises:
        DataError: If documents cannot be read; the index stays as it was.
        RetrievalError: If the store cannot be used, or the documents hold no text.
    """
    started = time.monotonic()
    documents = read_documents(host.registry, recipe.knowledge.sources, project.root)
    parts = Parts(recipe.knowledge, host.registry, resolve_model)
    before = _readable(project.index) if rebuild else Manifest.read(project.index)
    chunks, entries = _cut(documents, parts, {} if rebuild else _kept(project.index, before, parts))
    if not chunks:
        raise RetrievalError("the documents hold nothing to index", "Add text to them.")
    generation = (before.generation if before else 0) + int(rebuild)
    manifest = Manifest(
        format=FORMAT,
        fingerprint=fingerprint(parts.settings, chunks),
        settings=parts.settings,
        generation=generation,
        vectors=parts.vectors_folder(generation),
        chunks=write_chunks(project.index, list(chunks.values())),
        documents=entries,
    )
    embedded = _store(project.index, manifest, parts, chunks, progress, anew=rebuild)
    _retriever(project.index, manifest, parts, chunks, host).prepare()
    _tidy(project.index, manifest, parts)
    return IndexReport(
        **_compared(before, entries),
        chunks=len(chunks),
        embedded=embedded,
        because=_because(before, parts, rebuild=rebuild),
        fingerprint=manifest.fingerprint,
        seconds=round(time.monotonic() - started, 3),
    )


def open_retriever(
    project: Project,
    recipe: Recipe,
    host: PluginHost,
    resolve_model: Callable[[str], Path],
    *,
    filtered: bool = True,
) -> Retriever:
    """Open the index for search; the embedding model and the store are loaded at the first query.

    Args:
        project: Where the index is.
        recipe: What it was made of.
        host: The plugins.
        resolve_model: Gives the folder of an embedding model by its name.
        filtered: Pass the hits through the plugins' `filter_hits`; not for a caller that does so with its own trace.

    Raises:
        RetrievalError: If there is no index, it is damaged, or the recipe asks for another one.
    """
    manifest = Manifest.read(project.index)
    if manifest is None:
        raise RetrievalError(f'there is no index yet in "{project.root}"', "Run `loresmith index`.")
    parts = Parts(recipe.knowledge, host.registry, resolve_model)
    other = manifest.settings.changed(parts.settings)
    if other:
        raise RetrievalError(
            f"the index was made with another {' and another '.join(other)} than the recipe's",
            "Run `loresmith index`, or go back to the old settings.",
        )
    retriever = _retriever(project.index, manifest, parts, read_chunks(project.index, manifest), host)
    return FilteredRetriever(retriever, hit_filter(host)) if filtered else retriever


def _readable(folder: Path) -> Manifest | None:
    """Return the manifest if it can be read; a rebuild needs nothing of it but the count of rebuilds."""
    try:
        return Manifest.read(folder)
    except RetrievalError:
        return None


def _kept(folder: Path, before: Manifest | None, parts: Parts) -> dict[tuple[str, str], list[Chunk]]:
    """Return the chunks that can be taken over, by id and hash of their document."""
    if before is None or before.settings.chunker != parts.settings.chunker:
        return {}
    try:
        chunks = read_chunks(folder, before)
    except RetrievalError:
        # Cutting anew costs seconds, and mends it.
        return {}
    return {(id_, entry.hash): [chunks[c] for c in entry.chunks] for id_, entry in before.documents.items()}


def _cut(
    documents: list[Document], parts: Parts, kept: Mapping[tuple[str, str], list[Chunk]]
) -> tuple[dict[str, Chunk], dict[str, Entry]]:
    chunks: dict[str, Chunk] = {}
    entries: dict[str, Entry] = {}
    for document in documents:
        own = kept.get((document.id, document.hash))
        if own is None:
            own = parts.chunker.split(document)
        chunks.update({chunk.id: chunk for chunk in own})
        entries[document.id] = Entry(hash=document.hash, chunks=[chunk.id for chunk in own])
    return chunks, entries


def _store(
    folder: Path,
    manifest: Manifest,
    parts: Parts,
    chunks: Mapping[str, Chunk],
    progress: Progress | None,
    *,
    anew: bool,
) -> int:
    """Write vectors, then the manifest, then remove what is stale; return how many texts were embedded."""
    if anew:
        shutil.rmtree(folder / manifest.vectors, ignore_errors=True)
    store = parts.store(folder / manifest.vectors)
    try:
        embedded = complete(store, chunks.values(), parts.embedder, progress)
        manifest.write(folder)
        prune(store, chunks.values())
    finally:
        store.close()
    return embedded


def _retriever(
    folder: Path, manifest: Manifest, parts: Parts, chunks: Mapping[str, Chunk], host: PluginHost
) -> Retriever:
    @cache
    def store() -> Searchable:
        if not (folder / manifest.vectors).is_dir():
            raise RetrievalError("the vectors of the index are gone", "Run `loresmith index`.")
        return ChunkVectors(parts.store(folder / manifest.vectors), chunks.values())

    context = RetrieverContext(
        folder=parts.retriever_folder(folder),
        fingerprint=manifest.fingerprint,
        chunks=chunks,
        embed=parts.embedder.embed,
        store=store,
        filter=hit_filter(host),
    )
    return parts.retriever(context)


def _tidy(folder: Path, manifest: Manifest, parts: Parts) -> None:
    """Remove what earlier indexes and attempts left behind."""
    named = {manifest.vectors, manifest.chunks, parts.retriever_folder(folder).name}
    for pattern in ("vectors-*", "chunks-*.jsonl", "retriever-*", ".*.tmp", ".*.old"):
        for path in folder.glob(pattern):
            if path.name in named:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _compared(before: Manifest | None, entries: Mapping[str, Entry]) -> dict[str, int]:
    old = before.documents if before else {}
    both = [id_ for id_ in entries if id_ in old]
    changed = sum(entries[id_].hash != old[id_].hash for id_ in both)
    return {
        "documents": len(entries),
        "new": len(entries) - len(both),
        "changed": changed,
        "removed": len(old) - len(both),
        "unchanged": len(both) - changed,
    }


def _because(before: Manifest | None, parts: Parts, *, rebuild: bool) -> str:
    if rebuild:
        return "a rebuild was asked for"
    other = before.settings.changed(parts.settings) if before else []
    return f"the recipe's {' and '.join(other)} changed" if other else ""
