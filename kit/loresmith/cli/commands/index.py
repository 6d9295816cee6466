"""`loresmith index`: build or refresh the knowledge index."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from loresmith.cli.common import Session, shared_options

if TYPE_CHECKING:
    from loresmith.knowledge.index import IndexReport


@click.command("index")
@click.option("--rebuild", is_flag=True, help="Cut and embed everything anew.")
@click.option("--base", metavar="NAME", help="Index one knowledge base alone (default: all).")
@shared_options
def command(session: Session, *, rebuild: bool, base: str | None) -> None:
    """Build or refresh the knowledge index.

    Only new and changed documents are embedded.
    """
    from loresmith.cli.progress import progress_report
    from loresmith.knowledge.index import refresh
    from loresmith.lock import ProjectLock
    from loresmith.modelstore.store import ModelStore
    from loresmith.project import Project
    from loresmith.recipe.load import load_recipe

    project = Project.open(session.folder)
    host = session.host()
    recipe = load_recipe(project.recipe, host.registry)
    store = ModelStore.for_host(host, project.root)
    with ProjectLock(project, "index"), progress_report() as report:
        done = refresh(
            project,
            recipe,
            host,
            partial(store.path, kind="embedding", progress=report),
            partial(report, "embedding chunks"),
            rebuild=rebuild,
            base=base,
        )
    session.show(done.to_json(), lambda: _text(done))


def _text(done: IndexReport) -> str:
    if done.bases:
        return "\n".join(f"{name or 'documents'}: {_counts(each)}" for name, each in done.bases.items())
    return _counts(done)


def _counts(done: IndexReport) -> str:
    counts = f"{done.new} new, {done.changed} changed, {done.unchanged} unchanged, {done.removed} removed"
    lines = [
        f"{done.documents} documents: {counts}",
        f"{done.chunks} chunks, {done.embedded} embedded in {done.seconds:.1f} s",
        f"index {done.fingerprint[:8]}",
    ]
    return "\n".join([f"made anew: {done.because}", *lines] if done.because else lines)
