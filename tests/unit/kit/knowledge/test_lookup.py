from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fake_parts import FakeEngine
from loresmith.errors import PluginFailed
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.knowledge.lookup import Lookup, Reranking
from loresmith.knowledge.queries import QueryMaker
from loresmith.knowledge.several import SeveralRetriever
from loresmith.recipe.models import Queries
from loresmith.values import Chunk, Hit, Trace

SAYS = {
    "a": "Dogs travel free on the open deck of every boat of the line.",
    "b": "The single fare is 9.40 marks for an adult and half for a child.",
    "c": "Refunds are paid when the Line cancels a sailing for bad weather.",
    "d": "Bicycles cost 2.00 marks and stand on the car deck near the bow.",
    "a-again": "Dogs travel free on the open deck of every boat of the line!",
}


def hit(name: str, score: float = 1.0) -> Hit:
    return Hit(
        Chunk(name, f"{name[0]}.md" if name != "a-again" else "e.md", 0, 60, SAYS[name]), score, {"dense": score}
    )


class Fixed:
    """A retriever that finds the same for every query, or what is given for it; notes what it was asked."""

    def __init__(self, *hits: Hit, **by_query: Sequence[Hit]) -> None:
        self.hits, self.by_query = hits, by_query
        self.asked: list[tuple[list[str], int | None]] = []

    def prepare(self) -> None:
        pass

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        self.asked.append((list(queries), k))
        return [list(self.by_query.get(query, self.hits))[:k] for query in queries]


class Backwards:
    """A reranker that turns the order round."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        self.seen.append(len(hits))
        turned = list(reversed(hits))
        return [replace(h, score=1 - n / 10, scores={**h.scores, "rerank": 1 - n / 10}) for n, h in enumerate(turned)]


def plugins(filter_hits: Callable[..., None] | None = None) -> PluginHost:
    host = PluginHost(points=[])
    if filter_hits:

        class Plugin:
            @hookimpl
            def filter_hits(self, query: str, hits: list[Hit], trace: Trace) -> None:
                filter_hits(query, hits, trace)

        assert host.add(Plugin(), "filtering").state == "loaded"
    return host


def look_up(lookup: Lookup, query: str = "dogs", k: int | None = None) -> tuple[list[str], Trace]:
    trace = Trace(question=query)
    (hits,) = lookup.find([query], [trace], k)
    return [h.chunk.id for h in hits], trace


def test_more_is_asked_for_than_is_handed_over_and_the_trace_shows_it_all() -> None:
    retriever = Fixed(*(hit(name) for name in "abcd"))
    ids, trace = look_up(Lookup(retriever, plugins(), k=2))
    assert ids == ["a", "b"]
    assert retriever.asked == [(["dogs"], 4)]
    assert [entry["chunk"] for entry in trace.retrieved] == ["a", "b", "c", "d"]
    assert (trace.query, trace.queries) == ("dogs", [])
    assert look_up(Lookup(retriever, plugins(), k=2), k=1)[0] == ["a"]
    assert Lookup(retriever, plugins()).search([]) == []


def test_without_k_the_retriever_decides() -> None:
    retriever = Fixed(hit("a"), hit("b"))
    assert look_up(Lookup(retriever, plugins()))[0] == ["a", "b"]
    assert retriever.asked == [(["dogs"], None)]


def test_what_plugins_drop_is_made_up_for_and_told() -> None:
    def drop(_query: str, hits: list[Hit], _trace: Trace) -> None:
        hits[:] = [h for h in hits if h.chunk.id != "a"]

    ids, trace = look_up(Lookup(Fixed(*(hit(name) for name in "abcd")), plugins(drop), k=2))
    assert ids == ["b", "c"]
    assert [(entry["chunk"], entry["why"]) for entry in trace.filtered] == [("a", "a plugin dropped it")]


def test_a_plugin_may_say_why_itself() -> None:
    def drop(_query: str, hits: list[Hit], trace: Trace) -> None:
        trace.filtered.append({**hits.pop(0).to_json(), "why": "it gives orders"})

    _, trace = look_up(Lookup(Fixed(hit("a"), hit("b")), plugins(drop), k=2))
    assert [(entry["chunk"], entry["why"]) for entry in trace.filtered] == [("a", "it gives orders")]


def test_a_filter_that_fails_shows_nothing() -> None:
    def fail(*_: Any) -> None:
        raise ValueError("no")

    with pytest.raises(PluginFailed, match="filter_hits failed: ValueError: no"):
        look_up(Lookup(Fixed(hit("a")), plugins(fail), k=1))


def test_below_the_floor_nothing_is_handed_over_and_the_trace_says_so() -> None:
    found = Fixed(hit("a", 3.0), hit("b", 1.0))
    ids, trace = look_up(Lookup(found, plugins(), k=2, floor=2))
    assert (ids, trace.refused) == (["a"], "")
    assert [(entry["chunk"], entry["why"]) for entry in trace.dropped] == [("b", "1 is below the floor of 2")]
    ids, trace = look_up(Lookup(found, plugins(), k=2, floor=4))
    assert ids == []
    assert "relevance floor" in trace.refused


def test_nothing_found_and_nothing_left_by_plugins_are_no_refusal() -> None:
    assert look_up(Lookup(Fixed(), plugins(), k=2, floor=4))[1].refused == ""

    def drop_all(_query: str, hits: list[Hit], _trace: Trace) -> None:
        hits.clear()

    assert look_up(Lookup(Fixed(hit("a")), plugins(drop_all), k=2))[1].refused == ""


def test_the_reranker_sees_its_candidates_and_has_a_floor_of_its_own() -> None:
    turned = Backwards()
    retriever = Fixed(*(hit(name) for name in "abcd"))
    ids, trace = look_up(Lookup(retriever, plugins(), k=1, reranking=Reranking(turned, 3, floor=0.85)))
    assert retriever.asked == [(["dogs"], 3)]
    assert (turned.seen, ids) == ([3], ["c"])
    assert [entry["chunk"] for entry in trace.reranked] == ["c", "b", "a"]
    assert [entry["chunk"] for entry in trace.dropped] == ["a"]


def test_near_duplicates_are_handed_over_once() -> None:
    ids, trace = look_up(Lookup(Fixed(hit("a"), hit("a-again"), hit("b")), plugins(), k=2))
    assert ids == ["a", "b"]
    assert 'says nearly the same as "a"' in trace.dropped[0]["why"]


def test_small_pieces_become_their_section_once() -> None:
    section = Chunk("s", "a.md", 0, 500, "The whole section. " * 20)
    pieces = [replace(hit(name), chunk=replace(hit(name).chunk, within=section)) for name in "ab"]
    ids, trace = look_up(Lookup(Fixed(*pieces, hit("c")), plugins(), k=2))
    assert ids == ["s", "c"]
    assert [entry["chunk"] for entry in trace.dropped] == ["b"]


def test_several_ways_to_ask_are_fused_by_rank_and_keep_the_best_score_for_the_floor() -> None:
    engine = FakeEngine("hounds")
    found = Fixed(dogs=[hit("a", 1.0), hit("b", 0.9)], hounds=[hit("b", 5.0), hit("c", 4.0)])
    queries = QueryMaker(Queries(multi=1), lambda: engine)
    ids, trace = look_up(Lookup(found, plugins(), k=3, floor=0.95, queries=queries))
    assert found.asked[0][0] == ["dogs", "hounds"]
    assert trace.queries == ["dogs", "hounds"]
    assert ids == ["b", "a", "c"]
    assert trace.retrieved[0]["scores"]["best"] == 5


def test_several_ways_to_ask_several_bases_keep_the_bases_own_score_for_the_floor() -> None:
    bases = SeveralRetriever({"one": Fixed(hit("a", 0.9), hit("b", 0.2)), "two": Fixed(hit("c", 0.7))}, k=4)
    asks = QueryMaker(Queries(multi=1), lambda: FakeEngine("Do hounds pay?"))
    ids, trace = look_up(Lookup(bases, plugins(), k=4, floor=0.5, queries=asks))
    assert len(trace.queries) == 2
    assert sorted(ids) == ["a", "c"]
    assert [entry["chunk"] for entry in trace.dropped] == ["b"]
