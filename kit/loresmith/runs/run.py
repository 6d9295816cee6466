"""A run: its folder, how far it is, and what it leaves behind. All of it survives a kill at any instant.

One process writes a run, under the project's lock; any number read it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from loresmith.errors import Interrupted, LoresmithError
from loresmith.files import replacing, write_text
from loresmith.host import PluginHost
from loresmith.moments import now
from loresmith.process import Process
from loresmith.project import Project
from loresmith.recipe.dump import dump_recipe
from loresmith.recipe.models import Recipe
from loresmith.registry import Registry
from loresmith.runs import surroundings
from loresmith.runs.answers import AnswerFiles
from loresmith.runs.events import EventLog
from loresmith.runs.folder import RunFolder
from loresmith.runs.hashes import recipe_hash
from loresmith.runs.ids import check_id, clear_away, meant, new_id, run_ids
from loresmith.runs.manifest import Attempt, Manifest, State, StepRecord
from loresmith.runs.rows import jsonable


class Run(RunFolder):
    """One execution with everything needed to do it again.

    Made by `create`, `open`, `latest` and `all`. Without a host, no plugin hears of its events.
    """

    def __init__(self, project: Project, manifest: Manifest, host: PluginHost | None = None) -> None:
        super().__init__(project.runs / manifest.id)
        self.project = project
        self.manifest = manifest
        self._host = host
        self._events = EventLog(self.folder / "events.jsonl")
        self._answers = AnswerFiles(self.folder / "answers")
        self._telling = False

    # ------------------------------------------------------------------------------------------- making and finding

    @classmethod
    def create(
        cls,
        project: Project,
        recipe: Recipe,
        hashes: Mapping[str, str],
        *,
        host: PluginHost,
        accelerators: Iterable[str] = (),
        parent: str = "",
    ) -> Run:
        """Make a new run in a project; its folder appears with recipe and manifest in it, or not at all.

        Args:
            project: The project, locked by the caller.
            recipe: The recipe, checked.
            hashes: Of `base`, `examples`, `split`, `index`, as far as known; that of the recipe is added.
            host: Its plugins and their defaults are recorded, and hear of the run's events.
            accelerators: Their names, as a library that knows them gives them.
            parent: The run whose adapter this one goes on from.
        """
        whole = recipe_hash(recipe, host.registry)
        clear_away(project.runs)
        manifest = Manifest(
            id=new_id(project.runs, whole),
            name=recipe.name,
            created=now(),
            state="running",
            metric=_decisive(recipe),
            seed=recipe.seed,
            process=Process.this().to_json(),
            hashes={"recipe": whole, **hashes},
            versions=surroundings.versions(host),
            hardware=surroundings.hardware(accelerators),
            plugins=surroundings.plugins(host),
            parent=parent,
        )
        with replacing(project.runs / manifest.id) as folder:
            folder.mkdir()
            write_text(folder / "recipe.yaml", dump_recipe(recipe, host.registry))
            manifest.write(folder)
        return cls(project, manifest, host)

    @classmethod
    def open(cls, project: Project, run_id: str, host: PluginHost | None = None) -> Run:
        """Open a run by its whole id.

        Raises:
            UsageError: If there is none of that id.
            LoresmithError: If its manifest cannot be read.
        """
        check_id(project.runs, run_id)
        return cls(project, Manifest.read(project.runs / run_id), host)

    @classmethod
    def meant(cls, project: Project, name: str, host: PluginHost | None = None) -> Run:
        """Open the run that a person means: a whole id, the unique beginning of one, or `latest`.

        Raises:
            UsageError: If that is no run, or more than one.
        """
        if name == "latest":
            run = cls.latest(project, host=host)
            return run or cls.open(project, name, host)
        return cls.open(project, meant(project.runs, name), host)

    @classmethod
    def all(cls, project: Project, host: PluginHost | None = None) -> list[Run]:
        """Return all runs that can be opened, latest first."""
        runs = []
        for run_id in run_ids(project.runs):
            with suppress(LoresmithError):
                runs.append(cls.open(project, run_id, host))
        return sorted(runs, key=lambda run: (run.manifest.created, run.id), reverse=True)

    @classmethod
    def latest(cls, project: Project, *, unfinished: bool = False, host: PluginHost | None = None) -> Run | None:
        """Return the latest run, or the latest that is not done, or None."""
        runs = cls.all(project, host)
        return next((run for run in runs if not unfinished or run.state != "done"), None)

    # ---------------------------------------------------------------------------------------------------- what it is

    @property
    def id(self) -> str:
        """Its name: when it was created (UTC), and the first digits of the recipe's hash."""
        return self.manifest.id

    @property
    def state(self) -> State:
        """How it stands; a run whose process is gone without having said so is interrupted."""
        if self.manifest.state != "running":
            return self.manifest.state
        try:
            gone = Process.from_json(self.manifest.process).gone
        except (KeyError, TypeError, ValueError):
            gone = True
        return "interrupted" if gone else "running"

    # ------------------------------------------------------------------------------------------------ how it goes on

    @contextmanager
    def working(self) -> Iterator[None]:
        """Note that this process works on the run while the block lasts, and how it ended.

        A block left by an error makes the run failed, one left without `finish` interrupted: it can be resumed.
        """
        present = surroundings.versions(self._host) if self._host else {}
        other = present if present != self.manifest.versions else {}
        self.manifest.attempts.append(Attempt(started=now(), versions=other))
        self.manifest.process = Process.this().to_json()
        self._enter("running", "")
        try:
            yield
        except BaseException as error:
            stopped = isinstance(error, Interrupted | KeyboardInterrupt | SystemExit | GeneratorExit)
            # The disk may be what failed; the error that is under way says more than that of noting it.
            with suppress(OSError):
                self._enter("interrupted" if stopped else "failed", _first_line(error))
            raise
        if self.manifest.state == "running":
            self._enter("interrupted", "there is more to do")

    def finish(self) -> None:
        """Note that the run is done."""
        self._enter("done", "")

    def done(self, step: str, key: str) -> bool:
        """Return whether a step (`index`, `train:0`, `eval:rag`, `report`) is complete for `key`, its input's hash."""
        record = self.manifest.steps.get(step)
        return record is not None and record.key == key

    def mark(self, step: str, key: str, value: Any = None) -> None:
        """Note that a step is complete for `key`; call it when all the step's files are written."""
        self.manifest.steps[step] = StepRecord(key=key, value=jsonable(value), at=now())
        self._save()

    def result(self, step: str) -> Any:
        """Return what `mark` was given for a step, as JSON holds it, or None."""
        record = self.manifest.steps.get(step)
        return record.value if record else None

    def note_recipe(self, recipe: Recipe, registry: Registry) -> None:
        """Record the recipe that a resumed run goes on with; steps that hang on what changed have another key now."""
        write_text(self.recipe, dump_recipe(recipe, registry))
        self.manifest.metric, self.manifest.seed = _decisive(recipe), recipe.seed
        self.note_hashes({"recipe": recipe_hash(recipe, registry)})

    def note_hashes(self, hashes: Mapping[str, str]) -> None:
        """Record hashes that became known after the run was created, such as that of the index."""
        self.manifest.hashes.update(hashes)
        self._save()

    def _enter(self, state: State, why: str) -> None:
        self.manifest.state, self.manifest.why = state, why
        if state != "running" and self.manifest.attempts:
            self.manifest.attempts[-1].state, self.manifest.attempts[-1].ended = state, now()
        self._save()

    def _save(self) -> None:
        self.manifest.write(self.folder)

    # ------------------------------------------------------------------------------------------------ what it leaves

    def event(self, event: Mapping[str, Any]) -> None:
        """Write an event, and let the plugins hear of it. One that raises is reported and does not stop the run."""
        row = self._events.append(event)
        # A plugin may write an event about an event, but must not hear of that one again.
        if self._host and not self._telling:
            self._telling = True
            try:
                self._host.observe("on_event", run=self, event=row)
            finally:
                self._telling = False

    def events(self) -> list[dict[str, Any]]:
        """Return all events, oldest first."""
        return self._events.read()

    def answers(self, rung: str, key: str | None = None) -> list[dict[str, Any]]:
        """Return the finished answers of a rung; with `key`, those there are so far of that measurement.

        Args:
            rung: The rung.
            key: Hash of what is measured (adapter, index, questions). Answers under another key are not returned.
        """
        if key is None or self._finished(rung, key):
            return self._answers.finished(rung)
        return self._answers.growing(rung, key)

    def append_answers(self, rung: str, rows: Iterable[Mapping[str, Any]], key: str) -> None:
        """Keep answers of a measurement that goes on; they survive an interruption."""
        self._answers.append(rung, rows, key)

    def finish_answers(self, rung: str, key: str, ids: Sequence[str] | None = None) -> None:
        """Write `answers/<rung>.jsonl` from what was appended under `key`, in the order of `ids`.

        What a kill just after left finished stays as it is.

        Raises:
            KeyError: If an id of `ids` has no answer.
        """
        if not self._finished(rung, key):
            self._answers.finish(rung, key, ids)
            self.manifest.answers[rung] = key
            self._save()
        self._answers.forget_growing(rung)

    def _finished(self, rung: str, key: str) -> bool:
        return self.manifest.answers.get(rung) == key and self._answers.path(rung).exists()

    def answered_rungs(self) -> list[str]:
        """Return the rungs whose answers are finished, sorted."""
        return self._answers.rungs()


def broken(project: Project) -> list[LoresmithError]:
    """Return why runs cannot be opened, for those that cannot."""
    errors = []
    for run_id in run_ids(project.runs):
        try:
            Run.open(project, run_id)
        except LoresmithError as error:
            errors.append(error)
    return errors


def _decisive(recipe: Recipe) -> str:
    first = recipe.evaluation.metrics[0]
    return first if isinstance(first, str) else first.kind


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
