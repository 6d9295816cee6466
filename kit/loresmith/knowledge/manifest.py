"""The index's manifest: what was indexed, how, and which files hold it.

The manifest is the index: whatever it does not name is left over from a run that was cut short, and is removed
by the next. It is written last and in one piece, so that at any instant there is the old index or the new one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from loresmith.errors import RetrievalError
from loresmith.files import read_json, read_jsonl, write_json, write_jsonl
from loresmith.values import Chunk, content_hash

FORMAT = 1
MANIFEST = "manifest.json"


class Settings(BaseModel):
    """What decides which chunks and vectors come out: the parts and everything of their options that matters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chunker: dict[str, Any]
    embedder: dict[str, Any]
    store: dict[str, Any]

    def changed(self, other: Settings) -> list[str]:
        """Return the names of the parts that differ."""
        return [name for name in type(self).model_fields if getattr(self, name) != getattr(other, name)]


class Entry(BaseModel):
    """A document in the index: the hash of what was indexed, its chunks in order, and what its source says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hash: str
    chunks: list[str]
    metadata: dict[str, Any] = {}


class Manifest(BaseModel):
    """What `manifest.json` holds.

    Args:
        format: Version of this layout.
        fingerprint: Changes whenever chunks or vectors change; runs are tied to an index by it.
        settings: How the index was made.
        generation: Counts rebuilds.
        vectors: Folder of the vectors.
        chunks: File of the chunks.
        documents: What was indexed, by document id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    fingerprint: str
    settings: Settings
    generation: int
    vectors: str
    chunks: str
    documents: dict[str, Entry]

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the manifest of an index folder, or None where there is none.

        Raises:
            RetrievalError: If it is damaged, or made by another version.
        """
        path = folder / MANIFEST
        try:
            value = read_json(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise _damaged(path) from error
        if isinstance(value, dict) and value.get("format") != FORMAT:
            raise RetrievalError(
                f'the index in "{folder}" has format {value.get("format")}; this version reads {FORMAT}',
                "Run `loresmith index --rebuild`.",
            )
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise _damaged(path) from error

    def write(self, folder: Path) -> None:
        """Make this the index of the folder."""
        write_json(folder / MANIFEST, self.model_dump())


def read_fingerprint(path: Path) -> str | None:
    """Return the fingerprint that a manifest's file holds, or None where there is none."""
    try:
        return str(read_json(path)["fingerprint"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def write_chunks(folder: Path, chunks: Sequence[Chunk]) -> str:
    """Write the chunks under a name of their own, beside those in use; return the name."""
    rows = list(_rows(chunks))
    name = f"chunks-{content_hash(json.dumps(rows))[:12]}.jsonl"
    write_jsonl(folder / name, rows)
    return name


def read_chunks(folder: Path, manifest: Manifest) -> dict[str, Chunk]:
    """Return all chunks of the index by id, in the order of documents and places.

    Raises:
        RetrievalError: If the file is missing or damaged.
    """
    path = folder / manifest.chunks
    try:
        chunks = {chunk.id: chunk for chunk in _chunks(read_jsonl(path))}
    except (OSError, ValueError, TypeError, IndexError, KeyError) as error:
        raise _damaged(path) from error
    named = [id_ for entry in manifest.documents.values() for id_ in entry.chunks]
    if len(named) != len(chunks) or not all(id_ in chunks for id_ in named):
        raise _damaged(path)
    return chunks


def _rows(chunks: Sequence[Chunk]) -> Iterator[list[Any]]:
    """Yield a row a chunk; a section is written once, with the first of its pieces, and then named by its id."""
    written: set[str] = set()
    for chunk in chunks:
        row: list[Any] = [chunk.id, chunk.document, chunk.start, chunk.end, chunk.text, chunk.title]
        if chunk.headings or chunk.within:
            row.append(chunk.headings)
        if chunk.within:
            section = chunk.within
            whole = [section.id, section.start, section.end, section.text, section.headings]
            row.append(section.id if section.id in written else whole)
            written.add(section.id)
        yield row


def _chunks(rows: Sequence[list[Any]]) -> Iterator[Chunk]:
    sections: dict[str, Chunk] = {}
    for row in rows:
        id_, document, start, end, text, title = row[:6]
        headings, within = row[6] if len(row) > 6 else (), row[7] if len(row) > 7 else None
        if isinstance(within, list):
            key, first, last, whole, above = within
            sections[key] = Chunk(key, document, first, last, whole, title, tuple(above))
            within = key
        section = sections[within] if within else None
        yield Chunk(id_, document, start, end, text, title, tuple(headings), section)


def fingerprint(settings: Settings, chunks: Mapping[str, Chunk]) -> str:
    """Return the hash of everything that decides what is found."""
    parts = [json.dumps(settings.model_dump(), sort_keys=True)]
    for chunk in chunks.values():
        parts += [chunk.id, str(chunk.start), str(chunk.end), chunk.searchable]
        if chunk.within:
            parts += [str(chunk.within.start), str(chunk.within.end)]
    return content_hash(*parts)


def _damaged(path: Path) -> RetrievalError:
    return RetrievalError(f'"{path}" is missing or damaged', "Run `loresmith index --rebuild`.")
