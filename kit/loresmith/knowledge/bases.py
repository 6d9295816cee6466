"""The knowledge bases of a recipe: the documents under `knowledge` itself, and those that have a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from loresmith.data.reading import read_documents
from loresmith.errors import DataError, Problem, UsageError
from loresmith.knowledge.manifest import MANIFEST, read_fingerprint
from loresmith.recipe.models import Base, Knowledge
from loresmith.registry import Registry
from loresmith.values import Document, content_hash

_FOLDER = "base-"


@dataclass(frozen=True, slots=True)
class NamedBase:
    """A knowledge base: its name, empty for the one that has none, what it is made of, and where its index is."""

    name: str
    base: Base
    folder: Path

    @property
    def command(self) -> str:
        """The command that indexes it."""
        return f"loresmith index --base {self.name}" if self.name else "loresmith index"

    def documents(self, registry: Registry, root: Path) -> list[Document]:
        """Read its documents; the ids of those in a named base begin with its name.

        Raises:
            DataError: As `read_documents`.
        """
        found = read_documents(registry, self.base.sources or [], root)
        return [replace(document, id=f"{self.name}/{document.id}") for document in found] if self.name else found


def named_bases(knowledge: Knowledge, index: Path, name: str | None = None) -> list[NamedBase]:
    """Return the bases of a recipe, or the one of that name.

    Args:
        knowledge: The section of the recipe.
        index: The index folder of the project.
        name: Name of a base; all of them if not given.

    Raises:
        UsageError: If no base has that name.
    """
    found = [NamedBase("", knowledge, index)] if knowledge.sources is not None else []
    found += [NamedBase(key, base, index / f"{_FOLDER}{key}") for key, base in knowledge.bases.items()]
    if name is None:
        return found
    chosen = [base for base in found if base.name == name]
    if not chosen:
        there = ", ".join(f'"{base}"' for base in knowledge.bases) or "none"
        raise UsageError(f'the recipe has no knowledge base "{name}"', f"Named under `knowledge.bases`: {there}.")
    return chosen


def read_all(knowledge: Knowledge, registry: Registry, root: Path) -> list[Document]:
    """Read the documents of all bases.

    Raises:
        DataError: With every problem found, or if documents of two bases have the same id.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for base in named_bases(knowledge, root):
        try:
            documents += base.documents(registry, root)
        except DataError as error:
            problems += error.problems
    ids = [document.id for document in documents]
    twice = sorted({id_ for id_ in ids if ids.count(id_) > 1}) if len(set(ids)) < len(ids) else []
    problems += [Problem("documents of two bases have this id", key=id_, hint="Rename one.") for id_ in twice]
    if problems:
        raise DataError(f"the documents cannot be read: {len(problems)} problems", problems)
    return documents


def index_fingerprint(index: Path) -> str | None:
    """Return the fingerprint of all that is indexed, or None where nothing is; a single index has its own."""
    found = list(_fingerprints(index))
    return joined_fingerprint(found) if found else None


def joined_fingerprint(found: list[tuple[str, str]]) -> str:
    """Return one fingerprint for (name of base, fingerprint) pairs."""
    if [name for name, _ in found] == [""]:
        return found[0][1]
    return content_hash(*(part for pair in sorted(found) for part in pair))


def _fingerprints(index: Path) -> Iterator[tuple[str, str]]:
    for path in (index / MANIFEST, *sorted(index.glob(f"{_FOLDER}*/{MANIFEST}"))):
        fingerprint = read_fingerprint(path)
        if fingerprint is not None:
            yield path.parent.name.removeprefix(_FOLDER) if path.parent != index else "", fingerprint
