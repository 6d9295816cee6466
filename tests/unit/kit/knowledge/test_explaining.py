from __future__ import annotations

from collections.abc import Sequence

from loresmith.host import PluginHost
from loresmith.knowledge.explaining import explain, why_not
from loresmith.knowledge.lookup import Lookup, Reranking
from loresmith.knowledge.several import SeveralRetriever
from loresmith.values import Chunk, Hit

SAYS = {
    "dogs": "Dogs travel free on the open deck.",
    "fares": "The single fare is 9.40 marks.",
    "bikes": "Bicycles stand near the bow.",
    "menu": "Soup of the day with bread.",
    "far": "Nothing of interest here.",
}


class Telling:
    """A retriever that finds the same for every query, and tells the words that it shares with a chunk."""

    def prepare(self) -> None:
        pass

    def search(self, queries: Sequence[str], k: int | None = None) -> list[list[Hit]]:
        chunks = [Chunk(f"{name}#0", f"{name}.md", 0, len(text), text) for name, text in SAYS.items()]
        return [[Hit(c, 9.0 - n, {"bm25": 9.0 - n}) for n, c in enumerate(chunks)][:k] for _ in queries]

    def shared(self, query: str, chunk: Chunk) -> list[str]:
        return [word for word in query.split() if word in chunk.text.lower()]


class First:
    """A reranker that puts the last of its hits first."""

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        return [Hit(hit.chunk, 1 - n / 10, hit.scores) for n, hit in enumerate([hits[-1], *hits[:-1]])]


def lookup(reranking: Reranking | None = None, floor: float | None = None) -> Lookup:
    return Lookup(Telling(), PluginHost(points=[]), k=2, reranking=reranking, floor=floor)


def test_every_candidate_has_an_outcome_and_its_words() -> None:
    explanation = explain(lookup(floor=7), "free fare")
    assert [(fate.hit["chunk"], fate.n, fate.words) for fate in explanation.fates] == [
        ("dogs#0", 1, ["free"]), ("fares#0", 2, ["fare"]), ("bikes#0", 0, []), ("menu#0", 0, []),
    ]  # fmt: skip
    assert explanation.fates[2].outcome == "left out: 2 better ones are handed over"
    assert explanation.fates[3].outcome == "left out: 6 is below the floor of 7"


def test_the_reranker_is_held_to_account() -> None:
    explanation = explain(lookup(Reranking(First(), 3, None)), "dogs")
    outcomes = {fate.hit["chunk"]: fate.outcome for fate in explanation.fates}
    assert outcomes == {
        "dogs#0": "hit 2, place 2 after the reranker",
        "fares#0": "left out: the reranker put it at place 3",
        "bikes#0": "hit 1, place 1 after the reranker",
        "menu#0": "left out: the reranker did not look at it",
    }


def test_a_document_that_is_no_candidate_is_looked_for_further_down() -> None:
    documents = [f"{name}.md" for name in SAYS]
    door = lookup()
    explanation = explain(door, "interest for dogs")
    assert why_not(door, explanation, "far.md", documents) == (
        '"far.md" is no candidate: its best chunk "far#0" is at place 5 with a score of 5; the last candidate has 6. '
        "Shared words: interest."
    )
    assert "not among the 5 best chunks" in why_not(door, explanation, "gone.md", [*documents, "gone.md"])


def test_words_are_told_of_several_bases_too() -> None:
    door = Lookup(SeveralRetriever({"": Telling()}, 2), PluginHost(points=[]), k=2)
    assert explain(door, "free").fates[0].words == ["free"]
