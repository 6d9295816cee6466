"""Why a search found what it found: what became of each candidate, and why a document is not among the hits."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from loresmith.knowledge.bases import named_bases
from loresmith.knowledge.lookup import Lookup
from loresmith.knowledge.manifest import Manifest
from loresmith.knowledge.several import SeveralRetriever
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from loresmith.specs import Retriever, WordRetriever
from loresmith.values import Chunk, Hit, Trace
from loresmith.words import words

_WORD = re.compile(r"\w+(?:[.,:'’]\w+)*")
DEEP = 1000
"""Hits asked for to find the place of a document that is not among the candidates."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a candidate.

    Args:
        hit: The candidate, as traces show it.
        words: Words of the query that it has, where the retriever tells.
        outcome: What became of it, in words.
        n: Its place among the hits; 0 if it is none of them.
    """

    hit: Mapping[str, Any]
    words: Sequence[str]
    outcome: str
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return the object that `search --explain --json` prints."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A search, explained.

    Args:
        hits: What is handed over.
        fates: Every candidate, best first as it was retrieved.
        trace: The whole trace.
    """

    hits: list[Hit]
    fates: list[Fate]
    trace: Trace


def explain(lookup: Lookup, query: str, k: int | None = None) -> Explanation:
    """Search, and say of every candidate what became of it."""
    trace = Trace(question=query, query=query)
    (hits,) = lookup.find([query], [trace], k)
    shared = _sharing(lookup.retriever)
    outcomes = _outcomes(trace, hits)
    fates = []
    for entry in trace.retrieved:
        outcome, n = outcomes(entry)
        fates.append(Fate(entry, shared(query, entry), outcome, n))
    return Explanation(hits, fates, trace)


def indexed_documents(project: Project, recipe: Recipe, base: str | None = None) -> list[str]:
    """Return the ids of all documents in the index, or in that of one base."""
    manifests = (Manifest.read(each.folder) for each in named_bases(recipe.knowledge, project.index, base))
    return [id_ for manifest in manifests if manifest for id_ in manifest.documents]


def why_not(lookup: Lookup, explanation: Explanation, document: str, documents: Collection[str]) -> str:
    """Return in words why a document is not among the hits, or where it is.

    Args:
        lookup: Where it was searched.
        explanation: The search.
        document: The document's id.
        documents: Ids of all documents in the index.
    """
    if document not in documents:
        near = get_close_matches(document, documents, n=1)
        return f'there is no document "{document}" in the index.' + (f' Did you mean "{near[0]}"?' if near else "")
    fates = [fate for fate in explanation.fates if fate.hit["document"] == document]
    if fates:
        best = min(fates, key=lambda fate: (fate.n == 0, fate.n))
        return f'"{document}", as "{best.hit["chunk"]}": {best.outcome}.'
    return _far(lookup, explanation, document)


def _far(lookup: Lookup, explanation: Explanation, document: str) -> str:
    """Say how far a document is that is no candidate."""
    query = explanation.trace.query
    deep = lookup.retriever.search([query], DEEP)[0]
    rank, found = next(((r, hit) for r, hit in enumerate(deep, 1) if hit.chunk.document == document), (0, None))
    if found is None:
        return f'"{document}" is not among the {len(deep)} best chunks for this question.'
    words = ", ".join(_sharing(lookup.retriever)(query, found.to_json())) or "none"
    least = f"; the last candidate has {explanation.fates[-1].hit['score']:.4g}" if explanation.fates else ""
    return (
        f'"{document}" is no candidate: its best chunk "{found.chunk.id}" is at place {rank} with a score of '
        f"{found.score:.4g}{least}. Shared words: {words}."
    )


def matches(lookup: Lookup, query: str, text: str) -> list[tuple[int, int]]:
    """Return where in a text the words of a query stand, in any form; nothing where the retriever does not tell."""
    telling = _telling(lookup.retriever)
    if telling is None:
        return []
    # Asked the other way round, it tells which words of the text the query has.
    shared = set(telling.shared(text, Chunk("", "", 0, len(query), query)))
    return [
        match.span() for match in _WORD.finditer(text) if (said := words(match[0])) and all(w in shared for w in said)
    ]


def _telling(retriever: Retriever) -> WordRetriever | None:
    bases = retriever.bases.values() if isinstance(retriever, SeveralRetriever) else [retriever]
    return next((base for base in bases if isinstance(base, WordRetriever)), None)


def _sharing(retriever: Retriever) -> Callable[[str, Mapping[str, Any]], list[str]]:
    """Return what tells the words that a query and a candidate share; nothing where the retriever does not tell."""
    telling = _telling(retriever)

    def shared(query: str, entry: Mapping[str, Any]) -> list[str]:
        place = (entry["chunk"], entry["document"], entry["start"], entry["end"], entry["text"])
        return telling.shared(query, Chunk(*place)) if telling else []

    return shared


def _outcomes(trace: Trace, hits: Sequence[Hit]) -> Callable[[Mapping[str, Any]], tuple[str, int]]:
    """Return what tells a candidate's outcome, and its place among the hits."""
    gone = {entry["chunk"]: entry["why"] for entry in (*trace.filtered, *trace.dropped)}
    order = {entry["chunk"]: rank for rank, entry in enumerate(trace.reranked, 1)}

    def outcome(entry: Mapping[str, Any]) -> tuple[str, int]:
        id_ = entry["chunk"]
        if id_ in gone:
            return f"left out: {gone[id_]}", 0
        n = next((n for n, hit in enumerate(hits, 1) if _inside(entry, hit.chunk)), 0)
        if n:
            return f"hit {n}" + (f", place {order[id_]} after the reranker" if order else ""), n
        if order:
            place = f"the reranker put it at place {order[id_]}" if id_ in order else "the reranker did not look at it"
            return f"left out: {place}", 0
        return f"left out: {len(hits)} better ones are handed over", 0

    return outcome


def _inside(entry: Mapping[str, Any], chunk: Chunk) -> bool:
    return bool(entry["document"] == chunk.document and chunk.start <= entry["start"] and entry["end"] <= chunk.end)
