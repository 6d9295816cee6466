"""`loresmith label`: collect preferences: replies drawn to one question, ranked by a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loresmith.cli.common import Session, shared_options
from loresmith.rungs import RUNGS

if TYPE_CHECKING:
    from loresmith.labelling.drawing import Drawer, Drawing
    from loresmith.labelling.export import Exported
    from loresmith.modelstore.store import Report
    from loresmith.project import Project

MORE = "Another --rung, --temperature or --replies draws others, --prompts takes other questions."


@click.command("label")
@click.option(
    "--count", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Questions of this sitting."
)
@click.option(
    "--replies", type=click.IntRange(2, 4), default=3, show_default=True, help="Replies to compare to a question."
)
@click.option(
    "--temperature",
    type=click.FloatRange(0.01, 10),
    default=0.8,
    show_default=True,
    help="The higher, the further apart the replies are.",
)
@click.option(
    "--rung",
    type=click.Choice(RUNGS),
    help="Rung that replies (default: tuned, or prompt where nothing is trained: what preferences are trained on).",
)
@click.option("--run", "run_id", metavar="ID", help="A run other than the promoted one.")
@click.option(
    "--prompts",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help='Questions in place of the training side\'s: JSON Lines with a "prompt", relative to the project.',
)
@click.option("--draw", is_flag=True, help="Draw replies for later, and rank nothing now.")
@click.option(
    "--export",
    "target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write what was judged so far, here and in chat, into a file of the project: data/labelled.jsonl, say.",
)
@click.option("--add", is_flag=True, help="With --export: write the file into the recipe too; comments and order stay.")
@shared_options
def command(
    session: Session,
    count: int,
    replies: int,
    temperature: float,
    rung: str | None,
    run_id: str | None,
    file: Path | None,
    target: Path | None,
    *,
    draw: bool,
    add: bool,
) -> None:
    """Rank drawn replies with single keys, and write preferences that dpo, kto and reward learn from.

    Questions come from the training side of the split, never from what measures. Replies are shuffled and unnamed.
    Everything is kept at once: stop when you like, go on when you like. Keys may be fed through a pipe too.
    """
    from loresmith.errors import UsageError
    from loresmith.labelling.drawing import Drawing
    from loresmith.project import Project

    project = Project.open(session.folder)
    if add and not target:
        raise UsageError("--add needs --export", "Name the file: loresmith label --export data/labelled.jsonl --add")
    if target:
        _export(session, project, target, add=add)
        return
    drawing = Drawing(replies, temperature, rung, run_id)
    if draw:
        _draw(session, project, drawing, file, count)
    else:
        _rank(session, project, drawing, file, count)


def _export(session: Session, project: Project, target: Path, *, add: bool) -> None:
    from loresmith.labelling.export import export, take_in, taken_in
    from loresmith.recipe.load import load_recipe

    recipe = load_recipe(project.recipe, session.host().registry)
    written = export(project, target)
    lacking = [each for each in written.files if not taken_in(project, recipe, each)]
    for each in lacking if add else ():
        take_in(project, each)
    value = {**written.to_json(), "added": [each.path for each in lacking] if add else []}
    session.show(value, lambda: _exported_text(written, [each.line for each in lacking], added=add))


def _exported_text(written: Exported, lacking: list[str], *, added: bool) -> str:
    from loresmith.cli.errors import plain

    lines = [f"{each.path}: {each.rows} {what}" for each, what in _named(written) if each.rows]
    if lacking and added:
        lines += ["added to the recipe's data.preferences:", *(f"  {line}" for line in lacking)]
    elif lacking:
        lines += ["the recipe takes this in as (--add writes it):", "data:", "  preferences:"]
        lines += [f"    {line}" for line in lacking]
    return plain("\n".join(lines))


def _named(written: Exported) -> list[tuple[Any, str]]:
    return [(written.pairs, "pairs, for dpo and reward"), (written.thumbs, "judged replies, for kto")]


def _drawer(session: Session, project: Project, drawing: Drawing, file: Path | None, report: Report) -> Drawer:
    from loresmith.labelling.drawing import Drawer
    from loresmith.labelling.questions import questions
    from loresmith.recipe.load import load_recipe

    host = session.host()
    asked = questions(project, load_recipe(project.recipe, host.registry), host.registry, file)
    if asked.left_out:
        session.note(f"{asked.left_out} questions are left out: what measures asks the same, or nearly so")
    return Drawer(project, host, drawing, asked.prompts, report)


def _draw(session: Session, project: Project, drawing: Drawing, file: Path | None, count: int) -> None:
    from loresmith.cli.progress import progress_report
    from loresmith.journal.judgements import Judgements
    from loresmith.lock import ProjectLock

    with ProjectLock(project, "label --draw", session.note), progress_report() as report:
        drawer = _drawer(session, project, drawing, file, report)
        drawn = drawer.draw(count)
    value = {
        "drawn": drawn, "alike": drawer.alike, "waiting": Judgements(project).counts().waiting, "rung": drawer.rung,
    }  # fmt: skip
    alike = f"; to {drawer.alike} all replies came out alike" if drawer.alike else ""
    more = "" if drawer.missing else f"; every question has its replies now. {MORE}"
    said = f"drew replies to {drawn} questions; {value['waiting']} wait to be ranked{alike}{more}"
    session.show(value, lambda: said)


def _rank(session: Session, project: Project, drawing: Drawing, file: Path | None, count: int) -> None:
    from loresmith.cli.labelling import Beside, Sitting, key_reader
    from loresmith.journal.judgements import Judgements

    judgements = Judgements(project)
    drawer = _drawer(session, project, drawing, file, lambda *_: None)
    lacking = count - judgements.counts().waiting
    beside = Beside(project, drawer, session.note)
    with key_reader() as read_key, beside.drawing(lacking):
        sitting = Sitting(judgements, beside, session.note, read_key)
        sitting.run(count)
    _tell(session, project, sitting.judged, drawer)


def _tell(session: Session, project: Project, judged: int, drawer: Drawer) -> None:
    from dataclasses import asdict

    from loresmith.journal.judgements import Judgements
    from loresmith.labelling.rows import pair_rows

    counts = Judgements(project).counts()
    value = {"judged": judged, **asdict(counts), "pairs": len(pair_rows(project)), "rung": drawer.rung}
    in_all = f"{counts.ranked} ranked, {counts.skipped} skipped, {counts.waiting} waiting, {value['pairs']} pairs"
    lines = [f"{judged} judged now; in all {in_all}"]
    if not counts.waiting and not drawer.missing:
        lines.append(f"Every question has been asked. {MORE}")
    if value["pairs"]:
        lines.append("next: loresmith label --export data/labelled.jsonl --add")
    session.show(value, lambda: "\n".join(lines))
