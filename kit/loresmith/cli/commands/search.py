"""`loresmith search`: look into retrieval, with every score."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING

import click

from loresmith.cli.common import Session, shared_options
from loresmith.cli.hits import explanation_json, explanation_text, hits_text, moves_json
from loresmith.errors import UsageError

if TYPE_CHECKING:
    from loresmith.knowledge.lookup import Lookup
    from loresmith.knowledge.trying import Moved
    from loresmith.project import Project
    from loresmith.recipe.models import Recipe
    from loresmith.values import Hit

BATCH = 256
"""Queries searched together when they come from standard input."""


@click.command("search")
@click.argument("query")
@click.option("-k", "--k", type=click.IntRange(1, 1000), help="How many chunks (default: the recipe's).")
@click.option("--base", metavar="NAME", help="Search one knowledge base alone (default: all).")
@click.option("--explain", is_flag=True, help="Show every candidate: its scores, shared words, and what became of it.")
@click.option("--why", metavar="DOCUMENT", help="Say why this document is not among the hits.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Try a setting in place of the recipe's, as retriever.k=8, and say which hits move (repeatable).",
)
@shared_options
def command(
    session: Session,
    query: str,
    k: int | None,
    base: str | None,
    *,
    explain: bool,
    why: str | None,
    settings: tuple[str, ...],
) -> None:
    """Show the chunks found for QUERY, best first.

    With `-` in place of QUERY, queries are read from standard input, one a line, and the hits written as JSON lines.
    What is tried with --set stays out of the recipe; its names are those of a recipe under `knowledge`.
    """
    if not query.strip():
        raise UsageError("the query is empty", 'Search for something: loresmith search "return ticket"')
    if query == "-" and (explain or why):
        raise UsageError("one query is explained at a time", 'Name it: loresmith search "return ticket" --explain')
    asked = _open(session, base, settings)
    if query == "-":
        _search_lines(asked.lookup, k)
        return
    # What is no UTF-8 on the command line arrives as half surrogate pairs, which nothing can store or print.
    query = query.encode("utf-8", "replace").decode()
    if explain or why:
        _explain(session, asked, query, k, why, whole=explain)
        return
    hits = asked.lookup.search([query], k)[0]
    moves = asked.moves(query, hits, k)
    session.show({"hits": [hit.to_json() for hit in hits], **moves_json(moves)}, lambda: hits_text(hits, moves))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is searched: with the settings that are tried, and without them where some are."""

    project: Project
    recipe: Recipe
    lookup: Lookup
    untried: Lookup | None

    def moves(self, query: str, hits: list[Hit], k: int | None) -> list[Moved] | None:
        """Return how the hits moved against those of the recipe's settings; None where no others are tried."""
        from loresmith.knowledge.trying import moved

        return moved(self.untried.search([query], k)[0], hits) if self.untried else None


def _open(session: Session, base: str | None, settings: tuple[str, ...]) -> _Asked:
    from loresmith.assistant.open import engine_of
    from loresmith.cli.progress import progress_report
    from loresmith.knowledge.lookup import open_lookup
    from loresmith.knowledge.trying import read_settings, tried
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

        def opened(how: Recipe) -> Lookup:
            return open_lookup(project, how, host, embedding, engine, base=base)

        if not settings:
            return _Asked(project, recipe, opened(recipe), None)
        other = tried(recipe, read_settings(settings), host.registry, base)
        return _Asked(project, recipe, opened(other), opened(recipe))


def _explain(session: Session, asked: _Asked, query: str, k: int | None, why: str | None, *, whole: bool) -> None:
    from loresmith.knowledge.explaining import explain, indexed_documents, why_not

    found = explain(asked.lookup, query, k)
    reason = why_not(asked.lookup, found, why, indexed_documents(asked.project, asked.recipe)) if why else ""
    moves = asked.moves(query, found.hits, k)
    session.show(
        {**explanation_json(found, reason), **moves_json(moves)},
        lambda: explanation_text(found, reason, moves, whole=whole),
    )


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
