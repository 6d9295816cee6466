"""`loresmith search`: look into retrieval, with every score."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from loresmith.cli.common import Session, shared_options
from loresmith.cli.errors import plain
from loresmith.errors import UsageError

if TYPE_CHECKING:
    from loresmith.knowledge.explaining import Explanation, Fate
    from loresmith.knowledge.lookup import Lookup
    from loresmith.project import Project
    from loresmith.recipe.models import Recipe
    from loresmith.values import Hit

BATCH = 256
"""Queries searched together when they come from standard input."""
LINES = 4
"""Lines of a chunk that are shown."""


@click.command("search")
@click.argument("query")
@click.option("-k", "--k", type=click.IntRange(1, 1000), help="How many chunks (default: the recipe's).")
@click.option("--base", metavar="NAME", help="Search one knowledge base alone (default: all).")
@click.option("--explain", is_flag=True, help="Show every candidate: its scores, shared words, and what became of it.")
@click.option("--why", metavar="DOCUMENT", help="Say why this document is not among the hits.")
@shared_options
def command(session: Session, query: str, k: int | None, base: str | None, *, explain: bool, why: str | None) -> None:
    """Show the chunks found for QUERY, best first.

    With `-` in place of QUERY, queries are read from standard input, one a line, and the hits written as JSON lines.
    """
    if not query.strip():
        raise UsageError("the query is empty", 'Search for something: loresmith search "return ticket"')
    if query == "-" and (explain or why):
        raise UsageError("one query is explained at a time", 'Name it: loresmith search "return ticket" --explain')
    project, recipe, lookup = _open(session, base)
    if query == "-":
        _search_lines(lookup, k)
        return
    # What is no UTF-8 on the command line arrives as half surrogate pairs, which nothing can store or print.
    query = query.encode("utf-8", "replace").decode()
    if explain or why:
        from loresmith.knowledge.explaining import explain as explained
        from loresmith.knowledge.explaining import indexed_documents, why_not

        explanation = explained(lookup, query, k)
        reason = why_not(lookup, explanation, why, indexed_documents(project, recipe)) if why else ""
        session.show(_to_json(explanation, reason), lambda: _explained(explanation, reason, whole=explain))
        return
    hits = lookup.search([query], k)[0]
    session.show({"hits": [hit.to_json() for hit in hits]}, lambda: _text(hits))


def _open(session: Session, base: str | None) -> tuple[Project, Recipe, Lookup]:
    from loresmith.assistant.open import engine_of
    from loresmith.cli.progress import progress_report
    from loresmith.knowledge.lookup import open_lookup
    from loresmith.modelstore.store import ModelStore
    from loresmith.project import Project
    from loresmith.recipe.load import load_recipe

    project = Project.open(session.folder)
    host = session.host()
    recipe = load_recipe(project.recipe, host.registry)
    store = ModelStore.for_host(host, project.root)
    with progress_report() as report:
        embedding = partial(store.path, kind="embedding", progress=report)
        engine = cache(lambda: engine_of(recipe, host, store))
        lookup = open_lookup(project, recipe, host, embedding, engine, base=base)
    return project, recipe, lookup


def _search_lines(lookup: Lookup, k: int | None) -> None:
    queries = _queries()
    while batch := list(islice(queries, BATCH)):
        for query, hits in zip(batch, lookup.search(batch, k), strict=True):
            row = {"query": query, "hits": [hit.to_json() for hit in hits]}
            print(json.dumps(row, ensure_ascii=False, allow_nan=False), flush=True)


def _queries() -> Iterator[str]:
    """Yield the lines of standard input that are not blank."""
    for line in sys.stdin.buffer:
        query = line.decode("utf-8-sig", "replace").strip()
        if query:
            yield query


def _to_json(explanation: Explanation, reason: str) -> dict[str, Any]:
    return {
        "hits": [hit.to_json() for hit in explanation.hits],
        "candidates": [fate.to_json() for fate in explanation.fates],
        "trace": asdict(explanation.trace),
        **({"why": reason} if reason else {}),
    }


def _explained(explanation: Explanation, reason: str, *, whole: bool) -> str:
    parts = list(_candidates(explanation)) if whole else []
    return plain("\n\n".join([*parts, *([reason] if reason else [])]))


def _candidates(explanation: Explanation) -> Iterator[str]:
    trace = explanation.trace
    yield "\n".join(f"searched for: {query}" for query in trace.queries or [trace.query])
    yield from (_fate(rank, fate) for rank, fate in enumerate(explanation.fates, 1))
    if trace.refused:
        yield f"nothing is handed over: {trace.refused}"
    elif not explanation.fates:
        yield "nothing found"


def _fate(rank: int, fate: Fate) -> str:
    hit = fate.hit
    words = ", ".join(fate.words) or "none"
    head = f"{rank}. {_place(hit)}  {_scores(hit['scores'])}"
    return "\n".join([head, f"  {fate.outcome}; shared words: {words}", *_first_lines(hit["text"], 1)])


def _text(hits: list[Hit]) -> str:
    if not hits:
        return "nothing found"
    return "\n\n".join(_shown(n, hit.to_json()) for n, hit in enumerate(hits, 1))


def _shown(n: int, hit: dict[str, Any]) -> str:
    return plain("\n".join([f"{n}. {_place(hit)}  {_scores(hit['scores'])}", *_first_lines(hit["text"], LINES)]))


def _place(hit: Any) -> str:
    return f"{hit['document']} [{hit['start']}:{hit['end']}]"


def _scores(scores: dict[str, float]) -> str:
    return "  ".join(f"{name} {_number(score)}" for name, score in scores.items())


def _first_lines(text: str, most: int) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    return [*(f"  {line[:160]}" for line in lines[:most]), *(["  …"] if len(lines) > most else [])]


def _number(score: float) -> str:
    return str(int(score)) if score == int(score) else f"{score:.4f}"
