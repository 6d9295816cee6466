from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loresmith.errors import RetrievalError
from loresmith.host import PluginHost
from loresmith.specs import Retriever, RetrieverSpec, WordRetriever
from loresmith.testing import check_retriever
from loresmith.values import Chunk, Hit
from loresmith_plugins.retrievers import meaning
from loresmith_plugins.retrievers.novelty import diverse
from vector_arc import TEXTS, Arc, chunks, context

KINDS = ["dense", "bm25", "hybrid"]
METADATA = {
    "dogs.md": {"line": "green", "year": 2026, "tags": ["pets", "deck"]},
    "fares.md": {"line": "red", "year": 2026},
    "refund.md": {"line": "red", "year": 2025},
}


def build(host: PluginHost, kind: str, folder: Path, options: dict[str, Any] | None = None, **more: Any) -> Any:
    spec = host.registry.get(RetrieverSpec, kind)
    return spec.build(spec.options(**options or {}), context(folder, **more))


def found(retriever: Any, query: str = "dogs and fare refunds") -> set[str]:
    return {hit.chunk.id for hit in retriever.search([query], 10)[0]}


@pytest.mark.parametrize("kind", KINDS)
def test_each_conforms_tells_shared_words_and_is_a_langchain_retriever(
    host: PluginHost, tmp_path: Path, kind: str
) -> None:
    from langchain_core.retrievers import BaseRetriever

    built = build(host, kind, tmp_path)
    assert isinstance(built, BaseRetriever)
    assert isinstance(built, Retriever)
    assert isinstance(built, WordRetriever)
    check_retriever(built, ["a dog", "fare", "refunds for cancelled sailings"])
    assert built.shared("a dog", chunks()["dogs"]) == ["dog"]


def test_dense_goes_by_the_cosine_alone_and_keeps_nothing(host: PluginHost, tmp_path: Path) -> None:
    built = build(host, "dense", tmp_path)
    built.prepare()
    assert not list(tmp_path.iterdir())
    hits = built.search(["x"])[0]
    assert [hit.chunk.id for hit in hits] == ["fares", "dogs", "refund", "blank"]
    assert hits[0].scores == {"dense": pytest.approx(1)}


def test_bm25_needs_neither_embedder_nor_store(host: PluginHost, tmp_path: Path) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("nothing is embedded for words")

    spec = host.registry.get(RetrieverSpec, "bm25")
    from dataclasses import replace

    built = spec.build(spec.options(), replace(context(tmp_path), embed=never, store=never))
    built.prepare()
    hits = built.search(["dogs on deck"])[0]
    assert [(hit.chunk.id, hit.score == hit.scores["bm25"]) for hit in hits] == [("dogs", True)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({"line": "red"}, {"fares", "refund"}),
        ({"line": "red", "year": 2026}, {"fares"}),
        ({"line": ["red", "green"], "year": 2026}, {"fares", "dogs"}),
        ({"tags": "deck"}, {"dogs"}),
        ({"document": "refund.md"}, {"refund"}),
        ({"line": "blue"}, set()),
    ],
)
def test_only_documents_with_the_wanted_metadata_are_found(
    host: PluginHost, tmp_path: Path, kind: str, where: dict[str, Any], wanted: set[str]
) -> None:
    assert found(build(host, kind, tmp_path, {"where": where}, metadata=METADATA)) == wanted


def test_a_field_that_no_document_has_is_told(host: PluginHost, tmp_path: Path) -> None:
    built = build(host, "dense", tmp_path, {"where": {"lien": "red"}}, metadata=METADATA)
    with pytest.raises(RetrievalError, match=r'"lien"[\s\S]*document, line, tags, year'):
        built.search(["dogs"])


def test_a_filter_that_lets_much_pass_searches_deeper_until_it_has_enough(
    host: PluginHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "EXACT", 1)
    texts = {f"{n:02}": f"text {n}" for n in range(40)}
    metadata = {f"{n:02}.md": {"even": n % 2 == 0} for n in range(40)}
    arc = Arc(list(texts))
    options = {"where": {"even": True}, "candidates": 3, "k": 3}
    built = build(host, "dense", tmp_path, options, texts=texts, metadata=metadata, store=arc)
    assert len(built.search(["x"])[0]) == 3
    assert max(arc.depths) <= 40
    assert len(built.search(["x"], 30)[0]) == 20


@pytest.mark.parametrize("kind", KINDS)
def test_novelty_puts_an_unlike_hit_before_a_twin(host: PluginHost, tmp_path: Path, kind: str) -> None:
    built = build(host, kind, tmp_path, {"mmr": 0.5})
    check_retriever(built, ["dogs and fare refunds on the open deck"])
    assert all("mmr" in hit.scores for hit in built.search(["dogs and fares"])[0])


def test_mmr_takes_the_best_first_then_what_is_unlike_it() -> None:
    hits = [Hit(Chunk(name, "d", 0, 1, name), score) for name, score in (("a", 3.0), ("a2", 2.9), ("b", 2.0))]
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert [hit.chunk.id for hit in diverse(hits, vectors, 0.5, 3)] == ["a", "b", "a2"]
    assert [hit.chunk.id for hit in diverse(hits, vectors, 1.0, 2)] == ["a", "a2"]
    scores = [hit.score for hit in diverse(hits, vectors, 0.5, 3)]
    assert scores == sorted(scores, reverse=True)
    assert diverse([], np.empty((0, 2), dtype=np.float32), 0.5, 3) == []


@pytest.mark.parametrize("kind", KINDS)
def test_langchain_gets_documents_after_plugins_and_floor(host: PluginHost, tmp_path: Path, kind: str) -> None:
    def keep(query: str, hits: list[Hit]) -> list[Hit]:
        return [hit for hit in hits if hit.chunk.id != "fares"]

    documents = build(host, kind, tmp_path, filter=keep).invoke("dogs fare")
    assert "dogs" in {document.metadata["chunk"] for document in documents}
    assert "fares" not in {document.metadata["chunk"] for document in documents}
    assert documents[0].metadata.keys() == {"chunk", "document", "title", "start", "end", "score", "scores"}
    assert documents[0].page_content == TEXTS[documents[0].metadata["chunk"]]
    assert build(host, kind, tmp_path, {"floor": 99.0}).invoke("dogs fare") == []


def test_retriever_and_engine_drop_into_a_plain_chain(host: PluginHost, tmp_path: Path, chat_model: Path) -> None:
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.runnables import RunnablePassthrough

    from loresmith.specs import EngineSpec

    def joined(documents: Any) -> str:
        return "\n".join(document.page_content for document in documents)

    spec = host.registry.get(EngineSpec, "transformers")
    engine: Any = spec.build(spec.options.model_validate({"max_tokens": 4}), chat_model)
    prompt = ChatPromptTemplate.from_messages([("system", "Use: {context}"), ("user", "{question}")])
    retriever = build(host, "hybrid", tmp_path)
    chain = {"context": retriever | joined, "question": RunnablePassthrough()} | prompt | engine | StrOutputParser()
    asked = prompt.invoke({"context": joined(retriever.invoke("dogs on deck")), "question": "dogs on deck"})
    assert TEXTS["dogs"] in asked.to_string()
    assert chain.invoke("dogs on deck") == engine.invoke(asked).content
