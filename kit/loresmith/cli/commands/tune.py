"""`loresmith tune`: choose chunker, fusion, k and floor on the train and dev sides of the split."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from loresmith.cli.common import Session, shared_options

if TYPE_CHECKING:
    from loresmith.tuning.choosing import Choice, Tried
    from loresmith.tuning.tune import Tuned


@click.command("tune")
@click.option("--chunker", "chunkers", multiple=True, metavar="NAME", help="A further chunker to try (repeatable).")
@click.option("--write", is_flag=True, help="Write what was chosen into the recipe; comments and order stay.")
@shared_options
def command(session: Session, chunkers: tuple[str, ...], *, write: bool) -> None:
    """Choose chunk size, fusion weights, k and floor, and say by how much they are better.

    Compared is how many of the documents that ground the answers are found in the same amount of text, on the questions
    of the train and dev sides; the test side is never looked at. What is embedded once is kept: interrupted, it goes
    on where it was.
    """
    from loresmith.cli.progress import progress_report
    from loresmith.lock import ProjectLock
    from loresmith.modelstore.store import ModelStore
    from loresmith.project import Project
    from loresmith.recipe.load import load_recipe
    from loresmith.tuning.tune import tune

    project = Project.open(session.folder)
    host = session.host()
    recipe = load_recipe(project.recipe, host.registry)
    store = ModelStore.for_host(host, project.root)
    with ProjectLock(project, "tune"), progress_report() as report:
        embedding = partial(store.path, kind="embedding", progress=report)
        tuned = tune(project, recipe, host, embedding, report, chunkers=chunkers, write=write)
    session.show(tuned.to_json(), lambda: _text(tuned))


def _text(tuned: Tuned) -> str:
    head = f"compared on {tuned.questions} questions of the train and dev sides; none of the test side"
    return "\n\n".join([head, *map(_choice, tuned.choices), _end(tuned)])


def _choice(choice: Choice) -> str:
    from loresmith.cli.table import table

    change = f"{choice.before} -> {choice.chosen}" if choice.chosen != choice.before else f"{choice.before}, as it is"
    rows = [[tried.value, f"{tried.score:.3f}", _against(tried)] for tried in choice.tried]
    return f"{choice.part}: {change}\n  {choice.why}\n{table(['tried', 'score', 'against what there is'], rows)}"


def _against(tried: Tried) -> str:
    found = tried.against
    return f"{found.delta:+.3f} [{found.low:+.3f}, {found.high:+.3f}]" if found else "what there is"


def _end(tuned: Tuned) -> str:
    if not any(choice.options for choice in tuned.choices):
        return "The recipe is as good as anything that was tried."
    if tuned.written:
        return "Written into the recipe. Run `loresmith index`; what was trained before was trained on other passages."
    return "Nothing was written; with --write the recipe takes what was chosen."
