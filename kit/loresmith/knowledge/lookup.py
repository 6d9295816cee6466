"""The door to the index: everything that looks something up comes through here, so that all find the same.

    query → other ways to ask → retrieve → plugins' filter_hits → floor → rerank → its floor → near-duplicates → k hits

Each step tells the trace what it did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path

from loresmith.errors import UsageError
from loresmith.host import PluginHost
from loresmith.knowledge.bases import named_bases
from loresmith.knowledge.filtering import filter_hits
from loresmith.knowledge.index import open_retriever
from loresmith.knowledge.likeness import twin_of
from loresmith.knowledge.queries import QueryMaker
from loresmith.knowledge.rank_fusion import fused, relevance
from loresmith.project import Project
from loresmith.recipe.components import resolve
from loresmith.recipe.models import Component, Recipe
from loresmith.specs import Engine, Reranker, RerankerContext, RerankerSpec, Retriever, RetrieverSpec
from loresmith.values import Hit, Message, Trace

SPARE = 2
"""Hits asked for, times those wanted: what plugins and near-duplicates take away is made up for."""

CANDIDATES = 20
"""Hits that a reranker looks at, unless its options say otherwise."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """A reranker with what the recipe says of its use.

    Args:
        reranker: The reranker.
        candidates: Hits it looks at.
        floor: Its score below which a hit is not handed over; None for none.
    """

    reranker: Reranker
    candidates: int
    floor: float | None


class Lookup:
    """Looks questions up.

    Args:
        retriever: The retriever.
        host: Plugins that look at hits.
        k: Hits for a question; None leaves it to the retriever.
        floor: The retriever's score below which a hit is not handed over; None for none.
        reranking: What looks again at the hits.
        queries: Condenses conversations and asks in other ways.
        injection: What becomes of passages that tell the assistant what to do; plugins find it in the trace's settings.
    """

    def __init__(
        self,
        retriever: Retriever,
        host: PluginHost,
        k: int | None = None,
        floor: float | None = None,
        reranking: Reranking | None = None,
        queries: QueryMaker | None = None,
        injection: str = "mark",
    ) -> None:
        self.retriever, self.k, self.floor = retriever, k, floor
        self._host, self._reranking, self._queries, self._injection = host, reranking, queries, injection

    def prepare(self) -> None:
        """Build and save what the retriever keeps beside the vectors."""
        self.retriever.prepare()

    def over(self, wrap: Callable[[Retriever], Retriever], injection: str | None = None) -> Lookup:
        """Return the same door over another retriever, and with another setting against injected instructions."""
        other = copy(self)
        other.retriever = wrap(self.retriever)
        other._injection = injection or self._injection
        return other

    def condensed(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """Return for each conversation what to search for."""
        if self._queries is None:
            return [conversation[-1]["content"].strip() for conversation in conversations]
        return self._queries.condensed(conversations)

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        """Return for each query its hits, best first; `k` overrides the recipe's."""
        return self.find(queries, None, k)

    def find(
        self, queries: Sequence[str], traces: Sequence[Trace] | None = None, k: int | None = None
    ) -> list[list[Hit]]:
        """Return for each query its hits, best first, and tell its trace what became of every candidate.

        Where the floor leaves nothing of what was retrieved, `trace.refused` says so.

        Args:
            queries: What to search for.
            traces: One a query, to be filled.
            k: Hits for a query in place of the recipe's.
        """
        if not queries:
            return []
        traces = traces or [Trace(question=query, query=query) for query in queries]
        wanted = self.k if k is None else k
        ways = self._queries.variants(queries) if self._queries else [[query] for query in queries]
        found = self._retrieved(ways, self._depth(wanted))
        return [
            self._handed_over(query, hits, trace, wanted)
            for query, hits, trace in zip(queries, found, self._told(traces, queries, ways), strict=True)
        ]

    def _depth(self, wanted: int | None) -> int | None:
        if wanted is None:
            return None
        return max(SPARE * wanted, self._reranking.candidates if self._reranking else 0)

    def _told(self, traces: Sequence[Trace], queries: Sequence[str], ways: Sequence[list[str]]) -> Sequence[Trace]:
        for trace, query, asked in zip(traces, queries, ways, strict=True):
            trace.query = query
            trace.settings["injection"] = self._injection
            trace.queries = asked if len(asked) > 1 else []
        return traces

    def _retrieved(self, ways: Sequence[list[str]], depth: int | None) -> list[list[Hit]]:
        flat = iter(self.retriever.search([query for asked in ways for query in asked], depth))
        lists = [[next(flat) for _ in asked] for asked in ways]
        return [(found[0] if len(found) == 1 else fused(found, "queries"))[:depth] for found in lists]

    def _handed_over(self, query: str, hits: Sequence[Hit], trace: Trace, wanted: int | None) -> list[Hit]:
        trace.retrieved = [hit.to_json() for hit in hits]
        kept = filter_hits(self._host, query, hits, trace)
        reached = _above(self.floor, kept, trace, "the floor", relevance)
        kept = self._reranked(query, reached, trace)
        if trace.dropped and not kept:
            trace.refused = "nothing that was found reaches the relevance floor"
        return _distinct(kept, trace, wanted)

    def _reranked(self, query: str, hits: list[Hit], trace: Trace) -> list[Hit]:
        if self._reranking is None or not hits:
            return hits
        again = self._reranking.reranker.rerank(query, hits[: self._reranking.candidates])
        trace.reranked = [{"chunk": hit.chunk.id, "score": float(hit.score)} for hit in again]
        return _above(self._reranking.floor, again, trace, "the reranker's floor", lambda hit: hit.score)


def open_lookup(
    project: Project,
    recipe: Recipe,
    host: PluginHost,
    resolve_model: Callable[[str], Path],
    engine: Callable[[], Engine] | None = None,
    *,
    base: str | None = None,
) -> Lookup:
    """Open the index for questions; models and store are loaded at the first.

    Args:
        project: Where the index is.
        recipe: What it was made of, and how it is searched.
        host: The plugins.
        resolve_model: Gives the folder of an embedding model, or of a reranker's, by its name.
        engine: Gives the assistant's engine, for a judge and for queries that the engine writes.
        base: Name of the one knowledge base to search; all of them, fused, if not given.

    Raises:
        RetrievalError: If there is no index, it is damaged, or the recipe asks for another one.
    """
    retriever = open_retriever(project, recipe, host, resolve_model, base=base)
    asked = recipe.knowledge if base is None else named_bases(recipe.knowledge, project.index, base)[0].base
    _, options = resolve(host.registry, RetrieverSpec, asked.retriever)
    engine = engine or _no_engine
    return Lookup(
        retriever=retriever,
        host=host,
        k=getattr(options, "k", None),
        floor=getattr(options, "floor", None),
        reranking=_reranking(host, recipe.knowledge.reranker, RerankerContext(engine, resolve_model)),
        queries=QueryMaker(recipe.knowledge.queries, engine),
        injection=recipe.knowledge.injection,
    )


def _reranking(host: PluginHost, component: Component | None, context: RerankerContext) -> Reranking | None:
    if component is None:
        return None
    spec, options = resolve(host.registry, RerankerSpec, component)
    candidates, floor = getattr(options, "candidates", CANDIDATES), getattr(options, "floor", None)
    return Reranking(spec.build(options, context), candidates, floor)


def _no_engine() -> Engine:
    raise UsageError("the recipe has an engine write queries or judge hits, and there is none here")


def _above(
    floor: float | None, hits: Sequence[Hit], trace: Trace, name: str, score: Callable[[Hit], float]
) -> list[Hit]:
    if floor is None:
        return list(hits)
    low = [hit for hit in hits if score(hit) < floor]
    trace.dropped += [{**hit.to_json(), "why": f"{score(hit):.4g} is below {name} of {floor:g}"} for hit in low]
    return [hit for hit in hits if score(hit) >= floor]


def _distinct(hits: Sequence[Hit], trace: Trace, wanted: int | None) -> list[Hit]:
    """Return the hits that say something new, as the sections they are handed over as, at most those wanted."""
    chosen: list[Hit] = []
    for hit in hits:
        if len(chosen) == wanted:
            break
        whole = replace(hit, chunk=hit.chunk.within or hit.chunk)
        twin = twin_of(whole.chunk, [other.chunk for other in chosen])
        if twin is None:
            chosen.append(whole)
        else:
            trace.dropped.append(
                {**hit.to_json(), "why": f'says nearly the same as "{twin.id}", which is a better hit'}
            )
    return chosen
