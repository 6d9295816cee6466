"""`loresmith search`: look into retrieval, with every score."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from loresmith.cli.common import Session, shared_options
from loresmith.cli.errors import plain
from loresmith.errors import UsageError

if TYPE_CHECKING:
    from loresmith.specs import Retriever
    from loresmith.values import Hit

BATCH = 256
"""Queries searched together when they come from standard input."""
LINES = 4
"""Lines of a chunk that are shown."""


@click.command("search")
@click.argument("query")
@click.option("-k", "--k", type=click.IntRange(1, 1000), help="How many chunks (default: the recipe's).")
@shared_options
def command(session: Session, query: str, k: int | None) -> None:
    """Show the chunks found for QUERY, best first.

    With `-` in place of QUERY, queries are read from standard input, one a line, and the hits written as JSON lines.
    """
    if not query.strip():
        raise UsageError("the query is empty", 'Search for something: loresmith search "return ticket"')
    retriever = _open(session)
    if query == "-":
        _search_lines(retriever, k)
        return
    # What is no UTF-8 on the command line arrives as half surrogate pairs, which nothing can store or print.
    hits = retriever.search([query.encode("utf-8", "replace").decode()], k)[0]
    session.show({"hits": [_to_json(hit) for hit in hits]}, lambda: _text(hits))


def _open(session: Session) -> Retriever:
    from loresmith.cli.progress import progress_report
    from loresmith.knowledge.index import open_retriever
    from loresmith.modelstore.store import ModelStore
    from loresmith.project import Project
    from loresmith.recipe.load import load_recipe

    project = Project.open(session.folder)
    host = session.host()
    recipe = load_recipe(project.recipe, host.registry)
    store = ModelStore.for_host(host, project.root)
    with progress_report() as report:
        return open_retriever(project, recipe, host, partial(store.path, kind="embedding", progress=report))


def _search_lines(retriever: Retriever, k: int | None) -> None:
    queries = _queries()
    while batch := list(islice(queries, BATCH)):
        for query, hits in zip(batch, retriever.search(batch, k), strict=True):
            row = {"query": query, "hits": [_to_json(hit) for hit in hits]}
            print(json.dumps(row, ensure_ascii=False, allow_nan=False), flush=True)


def _queries() -> Iterator[str]:
    """Yield the lines of standard input that are not blank."""
    for line in sys.stdin.buffer:
        query = line.decode("utf-8-sig", "replace").strip()
        if query:
            yield query


def _to_json(hit: Hit) -> dict[str, Any]:
    return {
        "document": hit.chunk.document,
        "chunk": hit.chunk.id,
        "start": hit.chunk.start,
        "end": hit.chunk.end,
        "text": hit.chunk.text,
        "score": hit.score,
        "scores": dict(hit.scores),
    }


def _text(hits: list[Hit]) -> str:
    if not hits:
        return "nothing found"
    return "\n\n".join(_shown(n, hit) for n, hit in enumerate(hits, 1))


def _shown(n: int, hit: Hit) -> str:
    chunk = hit.chunk
    scores = "  ".join(f"{name} {_number(score)}" for name, score in hit.scores.items())
    lines = [line for line in chunk.text.splitlines() if line.strip()]
    more = ["  …"] if len(lines) > LINES else []
    head = f"{n}. {chunk.document} [{chunk.start}:{chunk.end}]  {scores}"
    return plain("\n".join([head, *(f"  {line[:160]}" for line in lines[:LINES]), *more]))


def _number(score: float) -> str:
    return str(int(score)) if score == int(score) else f"{score:.4f}"
