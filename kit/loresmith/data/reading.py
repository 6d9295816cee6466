"""Reads what the recipe's sources give, collecting what is wrong over all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from loresmith.errors import DataError, Problem
from loresmith.recipe.components import resolve
from loresmith.recipe.models import Component
from loresmith.registry import Registry
from loresmith.specs import Gives, SourceSpec
from loresmith.values import Document, Example, Preference


def read_documents(registry: Registry, sources: Sequence[Component], root: Path) -> list[Document]:
    """Read all documents, in the order of the sources.

    Raises:
        DataError: With every problem found; also if there is no document, or if two have the same id.
    """
    documents = cast("list[Document]", _read(registry, sources, root, "documents"))
    return distinct(documents)


def read_examples(registry: Registry, sources: Sequence[Component], root: Path) -> list[Example]:
    """Read all examples; raises as `read_documents`. The same example twice is given once."""
    return list({e.id: e for e in cast("list[Example]", _read(registry, sources, root, "examples"))}.values())


def read_preferences(registry: Registry, sources: Sequence[Component], root: Path) -> list[Preference]:
    """Read all preferences; none are needed, so an empty list of sources gives an empty list."""
    if not sources:
        return []
    return cast("list[Preference]", _read(registry, sources, root, "preferences"))


def read_source(registry: Registry, component: Component, root: Path, gives: Gives) -> list[Any]:
    """Read one source.

    Raises:
        DataError: With every problem found; also if the source gives something else.
    """
    spec, options = resolve(registry, SourceSpec, component)
    if gives not in spec.gives:
        what = f'source "{spec.name}" gives {", ".join(sorted(spec.gives))}, not {gives}'
        raise DataError(f"the {gives} cannot be read", [Problem(what)])
    return list(cast("Iterable[Any]", spec.build(options, root).read(gives)))


def _read(registry: Registry, sources: Sequence[Component], root: Path, gives: Gives) -> list[Any]:
    rows: list[Any] = []
    problems: list[Problem] = []
    for component in sources:
        try:
            rows += read_source(registry, component, root, gives)
        except DataError as error:
            problems += error.problems
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError(f"the {gives} cannot be read: {count}", problems)
    if not rows:
        raise DataError(f"the sources give no {gives}", [Problem(f"no {gives} in source {c.kind}") for c in sources])
    return rows


def distinct(documents: list[Document]) -> list[Document]:
    """Return documents as they are.

    Raises:
        DataError: If two have the same id.
    """
    seen: set[str] = set()
    problems = []
    for document in documents:
        if document.id in seen:
            problems.append(Problem("two documents have this id", key=document.id, hint="Rename one of the two."))
        seen.add(document.id)
    if problems:
        raise DataError("documents cannot be told apart", problems)
    return documents
