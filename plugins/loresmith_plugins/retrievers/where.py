"""Metadata filters: which chunks a recipe lets a retriever see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loresmith.errors import RetrievalError
from loresmith.specs import RetrieverContext

DOCUMENT = "document"
"""Field that stands for the document's id, unless its source gives one of that name."""


def allowed(context: RetrieverContext, where: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the ids of the chunks whose documents have all wanted values; None where nothing is wanted.

    Raises:
        RetrievalError: If no document has a field of that name, which would be found out by silence.
    """
    if not where:
        return None
    documents = {chunk.document for chunk in context.chunks.values()}
    fields = {id_: {DOCUMENT: id_, **context.metadata.get(id_, {})} for id_ in documents}
    known = {name for values in fields.values() for name in values}
    unknown = sorted(where.keys() - known)
    if unknown:
        raise RetrievalError(
            f'no document has a field "{unknown[0]}" to search by',
            f"There is {', '.join(sorted(known))}; correct `where` of the retriever, or run `loresmith index`.",
        )
    right = {id_ for id_, values in fields.items() if all(_has(values.get(f), w) for f, w in where.items())}
    return frozenset(id_ for id_, chunk in context.chunks.items() if chunk.document in right)


def _has(value: Any, wanted: Any) -> bool:
    """Whether a value, or one of a list of values, is the wanted one, or one of those wanted."""
    values = value if isinstance(value, list) else [value]
    choices = wanted if isinstance(wanted, list) else [wanted]
    return any(v == choice for v in values for choice in choices)
