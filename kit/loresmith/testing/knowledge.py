"""Checks of what makes and searches the index: sources, chunkers, embedders, stores, retrievers, rerankers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from loresmith.specs import Chunker, Embedder, Gives, Reranker, Retriever, Source, Store
from loresmith.testing.given import SAMPLE_DOCUMENTS
from loresmith.values import Chunk, Document, Example, Hit, Preference

KINDS = {"documents": Document, "examples": Example, "preferences": Preference}


def check_source(source: Source, gives: Gives) -> None:
    """Check a source that has something to read: right kind, distinct ids, the same at every reading."""
    first: list[Any] = list(source.read(gives))
    second: list[Any] = list(source.read(gives))
    assert first, f"the source gives no {gives}; check it on a place that holds some"
    wrong = [type(item).__name__ for item in first if not isinstance(item, KINDS[gives])]
    assert not wrong, f"asked for {gives}, the source gives {wrong[0]}"
    assert first == second, "reading twice must give the same, in the same order"
    ids = [item.id for item in first]
    assert len(set(ids)) == len(ids), "two items have the same id"
    for item in first:
        assert item.id, "an item has an empty id"
        if isinstance(item, Document):
            assert "\\" not in item.id, f'the id "{item.id}" must be written with forward slashes'
        if isinstance(item, Example):
            assert item.messages[-1]["role"] == "assistant", f'the last message of "{item.id}" must be the wanted reply'


def check_chunker(chunker: Chunker, documents: Sequence[Document] = SAMPLE_DOCUMENTS) -> None:
    """Check that chunks are exact spans, in order, with ids of their own, and lose nothing but white space."""
    for document in documents:
        chunks = chunker.split(document)
        assert chunks == chunker.split(document), f'"{document.id}" is cut differently the second time'
        assert len({chunk.id for chunk in chunks}) == len(chunks), f'two chunks of "{document.id}" have the same id'
        for chunk in chunks:
            _check_span(chunk, document)
            if chunk.within:
                _check_span(chunk.within, document)
                around = chunk.within.start <= chunk.start < chunk.end <= chunk.within.end
                assert around, f'the section of chunk "{chunk.id}" does not hold it'
        starts = [chunk.start for chunk in chunks]
        assert starts == sorted(starts), f'the chunks of "{document.id}" are not in order'
        covered = {place for chunk in chunks for place in range(chunk.start, chunk.end)}
        lost = [c for place, c in enumerate(document.text) if place not in covered and not c.isspace()]
        assert not lost, f'{len(lost)} characters of "{document.id}" are in no chunk'


def _check_span(chunk: Chunk, document: Document) -> None:
    assert chunk.document == document.id, f'a chunk of "{document.id}" says it is of "{chunk.document}"'
    found = document.text[chunk.start : chunk.end]
    assert chunk.text == found, f'a chunk of "{document.id}" is not its span [{chunk.start}:{chunk.end}]'
    assert chunk.text.strip(), f'a chunk of "{document.id}" is blank'


def check_embedder(embedder: Embedder) -> None:
    """Check that vectors are unit, float32, in the order given, and do not depend on what is embedded beside them."""
    import numpy as np

    texts = ["The kiosk opens at nine.", "Dogs", "A much longer text about ferries. " * 40, "naïve — 中文", ""]
    vectors = embedder.embed(texts)
    wanted = (len(texts), embedder.dimension)
    assert vectors.shape == wanted, f"the vectors have shape {vectors.shape}, not {wanted}"
    assert vectors.dtype == np.float32, f"the vectors are {vectors.dtype}, not float32"
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.allclose(lengths, 1, atol=1e-4), f"the vectors are not of unit length: {lengths}"
    backwards = embedder.embed(texts[::-1])[::-1]
    assert np.allclose(vectors, backwards, atol=1e-4), "the order of the texts changes their vectors"
    alone = embedder.embed(texts[:1])
    assert np.allclose(vectors[:1], alone, atol=1e-4), "the texts beside it change a text's vector"
    assert embedder.embed([]).shape == (0, embedder.dimension), "no text must give no vector, shape (0, dimension)"
    assert embedder.identity == embedder.identity != "", "the identity must be a constant text"


def check_store(reopen: Callable[[], Store]) -> None:
    """Check a store of dimension 3 that is empty at first.

    Args:
        reopen: Opens the store; called again after it was closed, it must find what was there.
    """
    import numpy as np

    axes = np.eye(3, dtype=np.float32)
    store = reopen()
    assert store.count() == 0, "check an empty store"
    assert store.search(axes[:1], 3) == [[]], "an empty store finds nothing"
    store.upsert(["x", "y", "z"], axes)
    found = store.search(axes[:2], 2)
    assert [hits[0][0] for hits in found] == ["x", "y"], f"the nearest vectors are not found first: {found}"
    assert abs(found[0][0][1] - 1) < 1e-3, f"the score of an equal vector must be 1, its cosine, not {found[0][0][1]}"
    assert len(store.search(axes[:1], 10)[0]) == 3, "asked for more than there are, a store gives all"
    assert np.allclose(store.vectors(["z", "x"]), axes[[2, 0]]), (
        "vectors must come back in the order of the ids asked for"
    )
    store.upsert(["x"], axes[2:])
    assert store.count() == 3, "the same id must replace, not add"
    store.delete(["y", "unknown"])
    store.close()
    again = reopen()
    assert again.ids() == {"x", "z"}, f"what was written must be there after reopening, found {sorted(again.ids())}"
    again.close()


def check_retriever(retriever: Retriever, queries: Sequence[str]) -> None:
    """Check a retriever on queries it has hits for: best first, each chunk once, `k` obeyed, the same every time."""
    retriever.prepare()
    found = retriever.search(queries)
    assert len(found) == len(queries), f"{len(queries)} queries gave {len(found)} lists of hits"
    for query, hits in zip(queries, found, strict=True):
        assert hits, f'no hit for "{query}"; check it on queries that have some'
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True), f'the hits for "{query}" are not best first'
        ids = [hit.chunk.id for hit in hits]
        assert len(set(ids)) == len(ids), f'a chunk comes twice for "{query}"'
    once = [[hit.chunk.id for hit in hits] for hits in found]
    again = [[hit.chunk.id for hit in hits] for hits in retriever.search(queries)]
    assert once == again, "asking twice must give the same"
    assert all(len(hits) <= 1 for hits in retriever.search(queries, 1)), "k = 1 must give one hit at most"
    assert retriever.search([]) == [], "no query must give no list"


def check_reranker(reranker: Reranker, query: str, hits: Sequence[Hit]) -> None:
    """Check a reranker on some hits: none lost or made up, best first, what led here kept, the same every time."""
    ranked = reranker.rerank(query, hits)
    assert {hit.chunk for hit in ranked} == {hit.chunk for hit in hits}, "a reranker gives back the hits it was given"
    assert len(ranked) == len(hits), "a hit comes back twice"
    scores = [hit.score for hit in ranked]
    assert scores == sorted(scores, reverse=True), "the hits are not best first"
    before = {hit.chunk.id: hit.scores for hit in hits}
    for hit in ranked:
        kept = before[hit.chunk.id].items() <= hit.scores.items()
        assert kept, f'the scores that led to "{hit.chunk.id}" are gone'
        assert hit.scores.get("rerank") == hit.score, f'"{hit.chunk.id}" does not show its score as `rerank`'
    assert [hit.chunk.id for hit in reranker.rerank(query, hits)] == [hit.chunk.id for hit in ranked], "not repeatable"
    assert reranker.rerank(query, []) == [], "no hits must give no hits"
