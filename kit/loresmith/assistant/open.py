"""Opens an assistant: the promoted artefact, a rung of a run, or what a recipe gives before anything is trained."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

from pydantic import ValidationError

from loresmith.artefact import current, mismatch
from loresmith.assistant.assistant import Assistant
from loresmith.assistant.taught import Taught
from loresmith.data.kept import Kept
from loresmith.data.reading import read_examples
from loresmith.errors import LoresmithError, UsageError
from loresmith.host import PluginHost
from loresmith.knowledge.lookup import open_lookup
from loresmith.modelstore.store import ModelStore, Report
from loresmith.project import Project
from loresmith.recipe.components import resolve
from loresmith.recipe.load import load_recipe
from loresmith.recipe.models import Recipe
from loresmith.rungs import PARTS
from loresmith.runs.hashes import base_hash
from loresmith.runs.ids import meant
from loresmith.runs.run import Run
from loresmith.specs import Engine, EngineSpec


def open_assistant(
    project: Project,
    recipe: Recipe | None,
    host: PluginHost,
    rung: str | None = None,
    run: str | None = None,
    engine: Engine | None = None,
    report: Report | None = None,
) -> Assistant:
    """Return the assistant of a rung, ready to answer.

    A run is asked as its own recipe says, whatever became of the project's since: what is served is what was measured.
    Where index or base model are no longer those of the run, the assistant's notes say so.

    Args:
        project: The project.
        recipe: Recipe to use where there is no run yet; read from the project when it is needed and not given.
        host: The plugins.
        rung: The rung; that of the artefact, or of the run's verdict, if not given.
        run: Id of a run, or its unique beginning; that of the artefact, or the latest that is done, if not given.
        engine: An engine of the same run to go on with, in place of loading one.
        report: Told how far it is while a model is fetched.

    Raises:
        UsageError: If nothing is built yet that could answer.
    """
    chosen = run_to_ask(project, run)
    rung = rung or _rung(project, chosen)
    weights = chosen.weights_of(rung) if chosen else None
    if PARTS[rung].trained and weights is None:
        lacking = f'run "{chosen.id}" has trained nothing for it' if chosen else "nothing is built yet"
        raise UsageError(f'rung "{rung}" needs training, and {lacking}', "Run `loresmith build`.")
    recipe = _recipe(chosen) if chosen else recipe or load_recipe(project.recipe, host.registry)
    taught = Taught.read(chosen.folder) if chosen else _taught(project, recipe, host)
    store = ModelStore.for_host(host, project.root)
    base = store.path(recipe.base, "chat", report)
    embedding = partial(store.path, kind="embedding", progress=report)
    the_engine = cache(lambda: engine or _built(recipe, host, base))
    # Before the engine, whose weights take seconds to load: most of what can be wrong is wrong here.
    lookup = open_lookup(project, recipe, host, embedding, the_engine) if PARTS[rung].passages else None
    return Assistant(
        engine=the_engine(),
        lookup=lookup,
        rung=rung,
        instructions=recipe.instructions,
        demonstrations=taught.demonstrations,
        weights=weights,
        declines=taught.declines,
        host=host,
        notes=_notes(project, chosen, rung, base) if chosen else (),
        citations=recipe.citations,
        run=chosen.id if chosen else "",
    )


def recipe_of(project: Project, host: PluginHost, run: str | None = None) -> Recipe:
    """Return the recipe that `open_assistant` opens a run by; raises as it does."""
    chosen = run_to_ask(project, run)
    return _recipe(chosen) if chosen else load_recipe(project.recipe, host.registry)


def run_to_ask(project: Project, name: str | None = None) -> Run | None:
    """Return the run that is meant, or that of the artefact, or the latest that is done; None if there is none."""
    if name:
        return Run.open(project, meant(project.runs, name))
    artefact = current(project)
    if artefact:
        return Run.open(project, artefact.run)
    return next((run for run in Run.all(project) if run.state == "done"), None)


def _rung(project: Project, run: Run | None) -> str:
    """Return the rung to take when none is asked for."""
    artefact = current(project)
    if run and artefact and artefact.run == run.id:
        return artefact.rung
    shipped = run.read_report().get("verdict", {}).get("ship", "") if run else ""
    if shipped:
        return str(shipped)
    what = f'run "{run.id}" has no verdict' if run else "nothing is built yet in this project"
    raise UsageError(what, "Run `loresmith build`, or ask one of the rungs that need no training: --rung rag.")


def _recipe(run: Run) -> Recipe:
    import yaml

    try:
        return Recipe.model_validate(yaml.safe_load(run.recipe.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError, yaml.YAMLError) as error:
        raise LoresmithError(
            f'the run "{run.id}" cannot be asked: its recipe.yaml is missing or damaged',
            "Build again with `loresmith build`, or name another run with --run.",
        ) from error


def _taught(project: Project, recipe: Recipe, host: PluginHost) -> Taught:
    """Learn from the examples as they are now; what the split holds out, if there is one, is not shown."""
    examples = read_examples(host.registry, recipe.data.examples, project.root)
    kept = Kept.read(project.split).entries if project.split.exists() else {}
    train = [example for example in examples if example.id not in kept or kept[example.id].side == "train"]
    return Taught.of(train, recipe.few_shot, recipe.data.split.seed)


def engine_of(recipe: Recipe, host: PluginHost, store: ModelStore) -> Engine:
    """Return the engine of a recipe, on its base; weights are loaded when it is first asked.

    Raises:
        ModelError: If the base cannot be had.
    """
    return _built(recipe, host, store.path(recipe.base, "chat", None))


def _built(recipe: Recipe, host: PluginHost, base: Path) -> Engine:
    spec, options = resolve(host.registry, EngineSpec, recipe.engine)
    return spec.build(options, base)


def _notes(project: Project, run: Run, rung: str, base: Path) -> tuple[str, ...]:
    trained_on = run.manifest.hashes.get("base", "")
    other_base = (
        f'the base model is not the one that run "{run.id}" was trained on; build again'
        if PARTS[rung].trained and trained_on and trained_on != base_hash(base)
        else ""
    )
    return tuple(note for note in (mismatch(project, rung, run.manifest.hashes.get("index")), other_base) if note)
