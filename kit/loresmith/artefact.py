"""The artefact: the assistant as one versioned thing, pointing into the run that made and measured it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from loresmith.errors import GateRefused, LoresmithError, UsageError
from loresmith.files import file_hash, folder_hash, read_json, write_json
from loresmith.knowledge.bases import index_fingerprint
from loresmith.moments import now
from loresmith.project import Project
from loresmith.rungs import PARTS, RUNGS
from loresmith.runs.run import Run
from loresmith.values import Weights, content_hash


@dataclass(frozen=True, slots=True)
class Artefact:
    """What is promoted: everything an answer depends on, by name and hash.

    Args:
        version: Counts promotions in the project, from 1.
        run: Id of the run.
        rung: The rung of it.
        base: `name` and `hash` of the base model.
        adapter: `path` under the project and `hash`, or None for a rung without one.
        model: The same of whole weights that were trained in the place of the base, or None.
        index: Fingerprint of the index it was measured with, or None for a rung that looks nothing up.
        prompt: `instructions`, the hash of the system prompt, and `few_shot`, the demonstrations shown.
        retriever: The retriever's settings, or None for a rung that looks nothing up.
        receipts: Name to hash of the proofs kept with the run.
        promoted_at: When it was promoted (UTC).
        overruled: What the gate said when it was promoted by force.
        withdrawn_at: When it was gone back from (UTC); empty if it was not. It is never gone back to.
    """

    version: int
    run: str
    rung: str
    base: Mapping[str, str]
    adapter: Mapping[str, str] | None
    index: str | None
    prompt: Mapping[str, Any]
    retriever: Mapping[str, Any] | None
    receipts: Mapping[str, str]
    promoted_at: str
    overruled: tuple[str, ...] = ()
    model: Mapping[str, str] | None = None
    withdrawn_at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `artefact.json` holds."""
        return {**asdict(self), "overruled": list(self.overruled)}


def promote(project: Project, run: Run, rung: str = "", *, force: bool = False) -> Artefact:
    """Make a rung of a run the project's artefact, and keep the one before; the caller holds the project's lock.

    Args:
        project: The project.
        run: A run of it.
        rung: The rung; the verdict's if not given.
        force: Promote even though a gate says no; what it said is kept in the artefact.

    Raises:
        UsageError: If there is no such rung, or no verdict to follow.
        GateRefused: If the run did not measure the rung, or with another index than the current one; without `force`.
            Always if the adapter that the rung needs is not there.
    """
    rung = _rung(run, rung)
    objections = [
        text for text in (unmeasured(run, rung), mismatch(project, rung, run.manifest.hashes.get("index"))) if text
    ]
    if objections and not force:
        raise GateRefused("; ".join(objections), "Promote it as it is with --force.")
    artefact = _made(project, run, rung, tuple(objections))
    before = current(project)
    if before:
        write_json(_older(project) / f"artefact-{before.version}.json", before.to_json())
    write_json(project.artefact, artefact.to_json())
    return artefact


def roll_back(project: Project, *, force: bool = False) -> Artefact:
    """Make the artefact that was promoted before the present one the project's again; the caller holds the lock.

    Args:
        project: The project.
        force: Go back even though the index is another one now; what was said of it is kept in the artefact.

    Raises:
        UsageError: If nothing is promoted, or nothing was before.
        GateRefused: If the index is another one now; without `force`. Always if weights that it needs are gone.
    """
    present, before = current(project), previous(project)
    if present is None or before is None:
        raise UsageError(
            "there is nothing to go back to: " + ("nothing was promoted before" if present else "nothing is promoted"),
            "Promote a run: `loresmith runs promote ID`.",
        )
    _check_weights(project, before)
    objection = mismatch(project, before.rung, before.index)
    if objection and not force:
        raise GateRefused(objection, "Go back to it as it is with --force.")
    if objection:
        before = replace(before, overruled=(*before.overruled, objection))
    withdrawn = replace(present, withdrawn_at=now())
    write_json(_older(project) / f"artefact-{present.version}.json", withdrawn.to_json())
    write_json(project.artefact, before.to_json())
    return before


def previous(project: Project) -> Artefact | None:
    """Return the artefact that one would go back to, or None; raises as `current`."""
    present = current(project)
    older = (each for each in history(project) if present and each.version < present.version)
    return next((each for each in older if not each.withdrawn_at), None)


def current(project: Project) -> Artefact | None:
    """Return what is promoted now, or None.

    Raises:
        LoresmithError: If `artefact.json` is not what Loresmith writes.
    """
    return _read(project.artefact) if project.artefact.exists() else None


def history(project: Project) -> list[Artefact]:
    """Return all artefacts that were promoted, the current one first; raises as `current`."""
    older = [_read(path) for path in _older(project).glob("artefact-*.json")]
    now_there = current(project)
    versions = {each.version: each for each in [*older, *([now_there] if now_there else [])]}
    return [versions[version] for version in sorted(versions, reverse=True)]


def unmeasured(run: Run, rung: str) -> str:
    """Return the objection that a run did not measure a rung, or an empty text."""
    measured = list(run.read_report().get("rungs", {}))
    if rung in measured:
        return ""
    if not measured:
        return f'run "{run.id}" has measured nothing yet: finish it with `loresmith build --resume`'
    return (
        f'run "{run.id}" did not measure the rung "{rung}", only {", ".join(measured)}: '
        f"put {rung} into the recipe's evaluation.rungs and build again"
    )


def mismatch(project: Project, rung: str, index: str | None) -> str:
    """Return the objection that a rung was measured, and its adapter trained, with another index than the current one.

    Args:
        project: The project.
        rung: The rung; one that looks nothing up goes with any index.
        index: Fingerprint of the index it was measured with.
    """
    if not PARTS[rung].passages:
        return ""
    there = index_fingerprint(project.index)
    if there is None:
        return f'the rung "{rung}" needs an index, and this project has none: build it with `loresmith index`'
    if there == index:
        return ""
    adapter = ", and its adapter trained for it," if PARTS[rung].trained else ""
    return (
        f'the rung "{rung}" was measured with index {(index or "unknown")[:8]}{adapter} '
        f"but the index is {there[:8]} now: "
        "build again, or go back to the documents and the knowledge settings of the run and `loresmith index`"
    )


def _rung(run: Run, rung: str) -> str:
    rung = rung or run.read_report().get("verdict", {}).get("ship", "")
    if not rung:
        raise UsageError(
            f'run "{run.id}" is {run.state} and has no verdict to follow',
            "Finish it with `loresmith build --resume`, or name a rung with --rung.",
        )
    if rung not in PARTS:
        raise UsageError(f'no rung "{rung}"', f"The rungs are {', '.join(RUNGS)}.")
    return rung


def _made(project: Project, run: Run, rung: str, overruled: tuple[str, ...]) -> Artefact:
    import yaml

    recipe = yaml.safe_load(run.recipe.read_text(encoding="utf-8"))
    passages, weights = PARTS[rung].passages, _weights(run, rung)
    return Artefact(
        version=max((each.version for each in history(project)), default=0) + 1,
        run=run.id,
        rung=rung,
        base={"name": recipe["base"], "hash": run.manifest.hashes.get("base", "")},
        adapter=_part(project, weights.adapter),
        model=_part(project, weights.model),
        index=index_fingerprint(project.index) if passages else None,
        prompt={
            "instructions": content_hash(recipe["instructions"]),
            "few_shot": recipe["few_shot"] if PARTS[rung].demonstrations else 0,
        },
        retriever=recipe["knowledge"]["retriever"] if passages else None,
        receipts={path.stem: file_hash(path) for path in sorted(run.receipts_folder.glob("[!.]*.json"))},
        promoted_at=now(),
        overruled=overruled,
    )


def _check_weights(project: Project, artefact: Artefact) -> None:
    for part in (artefact.adapter, artefact.model):
        if part and not (project.root / part["path"]).is_dir():
            raise GateRefused(
                f'version {artefact.version} needs "{part["path"]}", which is gone',
                "Promote another run: `loresmith runs ls` lists them.",
            )


def _weights(run: Run, rung: str) -> Weights:
    weights = run.weights_of(rung)
    if PARTS[rung].trained and weights is None:
        raise GateRefused(
            f'the rung "{rung}" needs training, and run "{run.id}" has trained nothing for it',
            "Train it with `loresmith build --resume`, or promote a rung without training.",
        )
    return weights or Weights()


def _part(project: Project, folder: Path | None) -> dict[str, str] | None:
    return {"path": folder.relative_to(project.root).as_posix(), "hash": folder_hash(folder)} if folder else None


def _older(project: Project) -> Path:
    return project.state / "artefacts"


def _read(path: Path) -> Artefact:
    names = [field.name for field in fields(Artefact)]
    try:
        value = {"model": None, "withdrawn_at": ""} | read_json(path)
        # Keys of a newer version are passed over.
        return Artefact(**{name: value[name] for name in names} | {"overruled": tuple(value["overruled"])})
    except (ValueError, KeyError, TypeError) as error:
        raise LoresmithError(
            f'"{path}" is not an artefact that Loresmith wrote',
            "Remove it and promote again: `loresmith runs ls` lists the runs.",
        ) from error
