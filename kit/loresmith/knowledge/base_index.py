"""The index of one knowledge base: brought up to date with its documents, and opened for search.

    read documents → cut what is new or changed → embed texts not seen before → write chunks, then manifest → tidy up

Only the manifest makes it real. A kill before leaves the old index, with vectors that the next attempt finds done; a
kill after leaves some files that nobody names, and the next attempt removes them.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from loresmith.errors import RetrievalError
from loresmith.host import PluginHost
from loresmith.knowledge.bases import NamedBase
from loresmith.knowledge.filtering import hit_filter
from loresmith.knowledge.manifest import FORMAT, Entry, Manifest, fingerprint, read_chunks, write_chunks
from loresmith.knowledge.parts import Parts
from loresmith.knowledge.report import IndexReport
from loresmith.knowledge.seal import few_vectors, is_sealed, seal, sealed_copy
from loresmith.knowledge.vectors import ChunkVectors, Kept, complete, prune
from loresmith.specs import Progress, Retriever, RetrieverContext, Searchable, SharedStore, Store
from loresmith.values import Chunk, Document


class BaseIndex:
    """The index of one base.

    Args:
        base: The base.
        parts: What it is made of.
        root: The project folder.
        host: The plugins.
    """

    def __init__(self, base: NamedBase, parts: Parts, root: Path, host: PluginHost) -> None:
        self._base, self._parts, self._root, self._host = base, parts, root, host
        self._folder = base.folder

    def refresh(self, progress: Progress | None = None, *, rebuild: bool = False) -> IndexReport:
        """Bring the index up to date; raises as `refresh` of all."""
        started = time.monotonic()
        documents = self._base.documents(self._host.registry, self._root)
        before = self._readable() if rebuild else Manifest.read(self._folder)
        kept = {} if rebuild else self._kept(before)
        chunks, entries = self._cut(documents, kept)
        if not chunks:
            raise RetrievalError("the documents hold nothing to index", "Add text to them.")
        manifest = self._manifest(before, entries, chunks, rebuild=rebuild, whole=bool(kept))
        embedded = 0 if self._stands(before, manifest) else self._store(manifest, chunks, progress, anew=rebuild)
        self._retriever(manifest, chunks).prepare()
        self._tidy(manifest)
        return self._report(before, manifest, embedded, time.monotonic() - started, rebuild=rebuild)

    def open(self) -> Retriever:
        """Open the index for search; raises as `open_retriever`."""
        manifest = Manifest.read(self._folder)
        if manifest is None:
            what = f' of the knowledge base "{self._base.name}"' if self._base.name else ""
            raise RetrievalError(f'there is no index{what} yet in "{self._root}"', f"Run `{self._base.command}`.")
        other = manifest.settings.changed(self._parts.settings)
        if other:
            raise RetrievalError(
                f"the index was made with another {' and another '.join(other)} than the recipe's",
                f"Run `{self._base.command}`, or go back to the old settings.",
            )
        return self._retriever(manifest, read_chunks(self._folder, manifest))

    def _readable(self) -> Manifest | None:
        """Return the manifest if it can be read; a rebuild needs nothing of it but the count of rebuilds."""
        try:
            return Manifest.read(self._folder)
        except RetrievalError:
            return None

    def _kept(self, before: Manifest | None) -> dict[tuple[str, str], list[Chunk]]:
        """Return the chunks that can be taken over, by id and hash of their document."""
        if before is None or before.settings.chunker != self._parts.settings.chunker:
            return {}
        try:
            chunks = read_chunks(self._folder, before)
        except RetrievalError:
            # Cutting anew costs seconds, and mends it.
            return {}
        return {(id_, entry.hash): [chunks[c] for c in entry.chunks] for id_, entry in before.documents.items()}

    def _cut(
        self, documents: list[Document], kept: Mapping[tuple[str, str], list[Chunk]]
    ) -> tuple[dict[str, Chunk], dict[str, Entry]]:
        chunks: dict[str, Chunk] = {}
        entries: dict[str, Entry] = {}
        for document in documents:
            hash_ = document.hash
            own = kept.get((document.id, hash_))
            if own is None:
                own = self._parts.chunker.split(document)
            chunks.update({chunk.id: chunk for chunk in own})
            # Dates and the like, which front matter gives, are kept as they are written.
            metadata = json.loads(json.dumps(dict(document.metadata), default=str))
            entries[document.id] = Entry(hash=hash_, chunks=[chunk.id for chunk in own], metadata=metadata)
        return chunks, entries

    def _manifest(
        self,
        before: Manifest | None,
        entries: dict[str, Entry],
        chunks: Mapping[str, Chunk],
        *,
        rebuild: bool,
        whole: bool,
    ) -> Manifest:
        """Return the manifest that makes these chunks the index; their file is written.

        Args:
            before: The manifest there is.
            entries: The documents.
            chunks: The chunks.
            rebuild: Whether everything is made anew.
            whole: Whether the file of chunks that `before` names could be read.
        """
        settings = self._parts.settings
        same = before is not None and list(before.documents.items()) == list(entries.items())
        if before is not None and same and whole and before.settings == settings and not rebuild:
            return before
        generation = (before.generation if before else 0) + int(rebuild)
        return Manifest(
            format=FORMAT,
            fingerprint=fingerprint(settings, chunks),
            settings=settings,
            generation=generation,
            vectors=self._parts.vectors_folder(generation),
            chunks=write_chunks(self._folder, list(chunks.values())),
            documents=entries,
        )

    def _stands(self, before: Manifest | None, manifest: Manifest) -> bool:
        """Whether nothing is to be done: the manifest is the one there is, and nobody touched the vectors."""
        untouched = not self._parts.remote and is_sealed(self._folder / manifest.vectors, manifest.fingerprint)
        return manifest is before and untouched

    def _store(self, manifest: Manifest, chunks: Mapping[str, Chunk], progress: Progress | None, *, anew: bool) -> int:
        """Write vectors, then the manifest, then remove what is stale; return how many texts were embedded."""
        place = self._folder / manifest.vectors
        if anew:
            shutil.rmtree(place, ignore_errors=True)
        empty = not self._parts.remote and not place.exists()
        few = None
        with ExitStack() as opened:

            @cache
            def store() -> Store:
                found = self._parts.store(place)
                opened.callback(found.close)
                return found

            if anew and not empty:
                store().delete(sorted(store().ids()))
            embedded = complete(store, chunks.values(), self._parts.embedder, progress, empty=empty)
            manifest.write(self._folder)
            prune(store(), chunks.values())
            if isinstance(shared := store(), SharedStore):
                shared.sweep()
            if not self._parts.remote:
                few = few_vectors(store())
        if not self._parts.remote:
            seal(place, manifest.fingerprint, few)
        return embedded

    def _retriever(self, manifest: Manifest, chunks: Mapping[str, Chunk]) -> Retriever:
        @cache
        def store() -> Searchable:
            return ChunkVectors(self._vectors(manifest), chunks.values())

        context = RetrieverContext(
            folder=self._parts.retriever_folder(self._folder),
            fingerprint=manifest.fingerprint,
            chunks=chunks,
            embed=self._parts.embedder.embed,
            store=store,
            filter=hit_filter(self._host),
            metadata={id_: entry.metadata for id_, entry in manifest.documents.items()},
        )
        return self._parts.retriever(context)

    def _vectors(self, manifest: Manifest) -> Kept:
        place = self._folder / manifest.vectors
        if self._parts.remote:
            return self._parts.store(place)
        if not place.is_dir():
            raise RetrievalError("the vectors of the index are gone", f"Run `{self._base.command}`.")
        return sealed_copy(place, manifest.fingerprint) or self._parts.store(place)

    def _tidy(self, manifest: Manifest) -> None:
        """Remove what earlier indexes and attempts left behind."""
        named = {manifest.vectors, manifest.chunks, self._parts.retriever_folder(self._folder).name}
        for pattern in ("vectors-*", "chunks-*.jsonl", "retriever-*", ".*.tmp", ".*.old"):
            for path in self._folder.glob(pattern):
                if path.name in named:
                    continue
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _because(self, before: Manifest | None, *, rebuild: bool) -> str:
        if rebuild:
            return "a rebuild was asked for"
        other = before.settings.changed(self._parts.settings) if before else []
        return f"the recipe's {' and '.join(other)} changed" if other else ""

    def _report(
        self, before: Manifest | None, manifest: Manifest, embedded: int, seconds: float, *, rebuild: bool
    ) -> IndexReport:
        old, new = before.documents if before else {}, manifest.documents
        both = [id_ for id_ in new if id_ in old]
        changed = sum(new[id_].hash != old[id_].hash for id_ in both)
        return IndexReport(
            documents=len(new),
            new=len(new) - len(both),
            changed=changed,
            removed=len(old) - len(both),
            unchanged=len(both) - changed,
            chunks=sum(len(entry.chunks) for entry in new.values()),
            embedded=embedded,
            because=self._because(before, rebuild=rebuild),
            fingerprint=manifest.fingerprint,
            seconds=round(seconds, 3),
        )
