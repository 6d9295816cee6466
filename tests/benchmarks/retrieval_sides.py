"""Both sides of `bench_retrieval.py`: each call is a process of its own, started as a user's would be.

    python retrieval_sides.py langchain index WORK    · query WORK QUERIES · cold WORK QUERY
    python retrieval_sides.py loresmith query WORK QUERIES · many WORK CHUNKS

WORK holds a Loresmith project, `chunks.jsonl` (its chunks, which both sides index) and `model`, the path of the
embedding model. Results go to standard output as one JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

DEPTH = 50
"""Chunks retrieved for a ranking of documents."""
TIMED = 60
"""Queries timed one by one, after as many as a tenth of them to warm up."""


def memory() -> float:
    """Return the most memory this process held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(queries: Sequence[str], search: Callable[[str], Any]) -> list[float]:
    """Return the milliseconds of each query, one by one."""
    for query in queries[: max(1, TIMED // 10)]:
        search(query)
    taken = []
    for query in queries[:TIMED]:
        began = time.perf_counter()
        search(query)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def langchain_store(work: Path) -> Any:
    """Open the vector store of the usual stack."""
    from langchain_chroma import Chroma
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(model_name=(work / "model").read_text())
    return Chroma(collection_name="chunks", embedding_function=embeddings, persist_directory=str(work / "chroma"))


def langchain_index(work: Path) -> dict[str, Any]:
    """Embed and add all chunks."""
    rows = [json.loads(line) for line in (work / "chunks.jsonl").read_text().splitlines()]
    store = langchain_store(work)
    began = time.perf_counter()
    texts, documents = [row["text"] for row in rows], [{"document": row["document"]} for row in rows]
    for start in range(0, len(rows), 1000):
        store.add_texts(texts[start : start + 1000], documents[start : start + 1000])
    return {"seconds": time.perf_counter() - began, "megabytes": memory()}


def langchain_query(work: Path, queries: Sequence[str]) -> dict[str, Any]:
    """Rank documents for all queries, and time some."""
    store = langchain_store(work)
    rankings = [[d.metadata["document"] for d in store.similarity_search(query, DEPTH)] for query in queries]
    return {"rankings": rankings, "ms": timed(queries, lambda q: store.similarity_search(q, 4)), "megabytes": memory()}


def langchain_cold(work: Path, query: str) -> dict[str, Any]:
    """Search once, as a script would."""
    hits = langchain_store(work).similarity_search_with_score(query, 4)
    return {"hits": [[d.page_content, float(score)] for d, score in hits], "megabytes": memory()}


def loresmith_query(work: Path, queries: Sequence[str]) -> dict[str, Any]:
    """Rank documents for all queries, and time some through the whole of a lookup."""
    from functools import partial

    from loresmith.host import PluginHost
    from loresmith.knowledge.lookup import open_lookup
    from loresmith.modelstore.store import ModelStore
    from loresmith.project import Project
    from loresmith.recipe.load import load_recipe

    project = Project.open(work / "project")
    host = PluginHost.from_environment()
    store = ModelStore.for_host(host, project.root)
    recipe = load_recipe(project.recipe, host.registry)
    lookup = open_lookup(project, recipe, host, partial(store.path, kind="embedding"))
    rankings = [[hit.chunk.document for hit in hits] for hits in lookup.retriever.search(queries, DEPTH)]
    return {"rankings": rankings, "ms": timed(queries, lambda q: lookup.search([q])), "megabytes": memory()}


def loresmith_many(work: Path, count: int) -> dict[str, Any]:
    """Time queries of the default retriever over chunks of random words with random vectors."""
    import numpy as np

    from loresmith.host import PluginHost
    from loresmith.specs import EmbedderSpec, RetrieverContext, RetrieverSpec, StoreSpec
    from loresmith.values import Chunk

    parts: list[tuple[Any, str]] = [(EmbedderSpec, "minilm"), (StoreSpec, "chroma"), (RetrieverSpec, "hybrid")]
    host = PluginHost.from_environment()
    drawn = np.random.default_rng(7)
    embedders, stores, retrievers = (host.registry.get(spec, name) for spec, name in parts)
    embedder = embedders.build(embedders.options(), lambda _: Path((work / "model").read_text()))
    folder = work / f"many-{count}"
    store = stores.build(stores.options(), folder / "vectors", embedder.dimension)
    ids = [f"c{n:06}" for n in range(count)]
    for start in range(0, count, 5000):
        some = drawn.standard_normal((min(5000, count - start), embedder.dimension)).astype(np.float32)
        store.upsert(ids[start : start + 5000], some / np.linalg.norm(some, axis=1, keepdims=True))
    vocabulary = np.array([f"word{n}" for n in range(30_000)])
    # As in a language without its stop words: the commonest word is in a third of the chunks, most are rare.
    chances = 1 / (np.arange(len(vocabulary)) + 20)
    chances /= chances.sum()
    said = drawn.choice(vocabulary, (count, 60), p=chances)
    texts = [" ".join(row) for row in said]
    chunks = {id_: Chunk(id_, f"{id_}.md", 0, len(t), t) for id_, t in zip(ids, texts, strict=True)}
    context = RetrieverContext(folder, "1", chunks, embedder.embed, lambda: store)
    retriever = retrievers.build(retrievers.options(), context)
    retriever.prepare()
    asked = [" ".join(row) for row in drawn.choice(vocabulary, (2 * TIMED, 8), p=chances)]
    return {"ms": timed(asked, lambda q: retriever.search([q])), "megabytes": memory()}


def main() -> None:
    """Run one side of one measurement."""
    side, what, place, *more = sys.argv[1:]
    work = Path(place)
    run: dict[tuple[str, str], Callable[[], dict[str, Any]]] = {
        ("langchain", "index"): lambda: langchain_index(work),
        ("langchain", "query"): lambda: langchain_query(work, json.loads(Path(more[0]).read_text())),
        ("langchain", "cold"): lambda: langchain_cold(work, more[0]),
        ("loresmith", "query"): lambda: loresmith_query(work, json.loads(Path(more[0]).read_text())),
        ("loresmith", "many"): lambda: loresmith_many(work, int(more[0])),
    }
    print(json.dumps(run[side, what]()))


if __name__ == "__main__":
    main()
