from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loresmith.artefact import current, history, mismatch, previous, promote, roll_back
from loresmith.errors import GateRefused, LoresmithError, UsageError
from loresmith.files import file_hash, folder_hash, read_json, write_json
from loresmith.knowledge.bases import index_fingerprint
from loresmith.project import Project
from loresmith.runs.run import Run
from loresmith.values import content_hash

Make = Callable[..., Run]


def reindex(project: Project, fingerprint: str = "index-2") -> None:
    write_json(project.index / "manifest.json", {"fingerprint": fingerprint})


def test_the_artefact_says_all_that_an_answer_depends_on(make_run: Make, project: Project) -> None:
    run = make_run(["prompt", "hybrid"])
    artefact = promote(project, run)
    value = read_json(project.artefact)
    assert value.pop("promoted_at").endswith("Z")
    assert value == {
        "version": 1,
        "run": run.id,
        "rung": "hybrid",
        "base": {"name": "tiny", "hash": "base-1"},
        "adapter": {"path": f".loresmith/runs/{run.id}/adapter", "hash": folder_hash(run.adapter)},
        "model": None,
        "index": "index-1",
        "prompt": {"instructions": content_hash("You answer for the harbour.\nBe brief."), "few_shot": 0},
        "retriever": {"kind": "still", "k": 3},
        "receipts": {"mask": file_hash(run.receipts_folder / "mask.json")},
        "overruled": [],
        "withdrawn_at": "",
    }
    assert current(project) == artefact


def test_a_rung_that_looks_nothing_up_and_was_not_trained_has_neither(make_run: Make, project: Project) -> None:
    artefact = promote(project, make_run(["few-shot", "rag"]), "few-shot")
    assert (artefact.adapter, artefact.index, artefact.retriever) == (None, None, None)
    assert artefact.prompt["few_shot"] == 3


def test_older_artefacts_are_kept(make_run: Make, project: Project) -> None:
    first, second = make_run(["rag"]), make_run(["rag", "hybrid"])
    promote(project, first)
    promote(project, second)
    promote(project, second, "rag")
    assert [(each.version, each.run, each.rung) for each in history(project)] == [
        (3, second.id, "rag"),
        (2, second.id, "hybrid"),
        (1, first.id, "rag"),
    ]
    assert sorted(path.name for path in (project.state / "artefacts").iterdir()) == [
        "artefact-1.json",
        "artefact-2.json",
    ]


def test_a_kill_between_keeping_the_old_and_writing_the_new_leaves_the_old(
    make_run: Make, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = promote(project, make_run(["rag"]))

    def killed(path: Path, value: object) -> None:
        if path == project.artefact:
            raise KeyboardInterrupt
        write_json(path, value)

    with monkeypatch.context() as patched:
        patched.setattr("loresmith.artefact.write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            promote(project, make_run(["rag"]))
    assert current(project) == old
    assert [each.version for each in history(project)] == [1]
    assert promote(project, make_run(["rag"])).version == 2


def test_one_goes_back_to_what_was_promoted_before_and_never_to_what_was_gone_back_from(
    make_run: Make, project: Project
) -> None:
    first, second = promote(project, make_run(["rag"])), promote(project, make_run(["rag", "hybrid"]))
    assert previous(project) == first
    assert roll_back(project) == current(project) == first
    assert [(each.version, bool(each.withdrawn_at)) for each in history(project)] == [(2, True), (1, False)]
    with pytest.raises(UsageError, match="nothing was promoted before"):
        roll_back(project)
    assert promote(project, make_run(["rag"])).version == 3
    assert previous(project) == first, f"version {second.version} was withdrawn"


def test_going_back_passes_the_same_gate_and_needs_the_weights(make_run: Make, project: Project) -> None:
    with pytest.raises(UsageError, match="nothing is promoted"):
        roll_back(project)
    run = make_run(["hybrid"])
    promote(project, run)
    promote(project, make_run(["prompt"]))
    reindex(project)
    with pytest.raises(GateRefused, match="index is index-2 now"):
        roll_back(project)
    assert "index-2" in roll_back(project, force=True).overruled[0]
    promote(project, make_run(["prompt"]))
    run.adapter.rename(run.adapter.with_name("gone"))
    with pytest.raises(GateRefused, match="which is gone"):
        roll_back(project, force=True)


def test_nothing_promoted_is_none(project: Project) -> None:
    assert current(project) is None
    assert history(project) == []


def test_a_rung_that_was_not_measured_is_refused_with_what_was(make_run: Make, project: Project) -> None:
    with pytest.raises(GateRefused) as caught:
        promote(project, make_run(["prompt", "rag"]), "hybrid")
    assert caught.value.exit_code == 3
    assert "only prompt, rag" in caught.value.message
    assert "evaluation.rungs" in caught.value.message
    assert "--force" in caught.value.hint
    assert current(project) is None


def test_a_run_that_measured_nothing_is_refused(make_run: Make, project: Project) -> None:
    with pytest.raises(GateRefused, match="measured nothing yet: finish it"):
        promote(project, make_run(), "rag")
    with pytest.raises(UsageError, match="no verdict to follow"):
        promote(project, make_run())


@pytest.mark.parametrize("rung", ["rag", "hybrid"])
def test_a_rung_is_not_paired_with_another_index(make_run: Make, project: Project, rung: str) -> None:
    run = make_run(["rag", "hybrid"])
    reindex(project)
    with pytest.raises(GateRefused) as caught:
        promote(project, run, rung)
    assert "measured with index index-1" in caught.value.message
    assert "index is index-2 now" in caught.value.message
    assert ("its adapter trained for it" in caught.value.message) == (rung == "hybrid")
    assert current(project) is None


@pytest.mark.parametrize("rung", ["prompt", "few-shot", "tuned"])
def test_a_rung_that_looks_nothing_up_goes_with_any_index(make_run: Make, project: Project, rung: str) -> None:
    run = make_run(["prompt", "few-shot", "tuned"])
    reindex(project)
    assert promote(project, run, rung).rung == rung


def test_without_an_index_a_rung_that_looks_things_up_is_refused(make_run: Make, project: Project) -> None:
    run = make_run(["rag"])
    (project.index / "manifest.json").unlink()
    with pytest.raises(GateRefused, match="this project has none"):
        promote(project, run)


def test_force_promotes_and_keeps_what_the_gate_said(make_run: Make, project: Project) -> None:
    run = make_run(["rag"])
    reindex(project)
    artefact = promote(project, run, "hybrid", force=True)
    assert len(artefact.overruled) == 2
    assert artefact.index == "index-2"
    assert current(project) == artefact


def test_force_does_not_make_up_an_adapter(make_run: Make, project: Project) -> None:
    with pytest.raises(GateRefused, match="has trained nothing"):
        promote(project, make_run(), "hybrid", force=True)


def test_an_unknown_rung_is_refused_with_the_rungs(make_run: Make, project: Project) -> None:
    with pytest.raises(UsageError) as caught:
        promote(project, make_run(["rag"]), "hybird")
    assert "few-shot" in caught.value.hint


def test_a_mismatch_can_be_asked_for_after_the_promotion(make_run: Make, project: Project) -> None:
    artefact = promote(project, make_run(["hybrid"]))
    assert mismatch(project, artefact.rung, artefact.index) == ""
    reindex(project)
    assert "index-2" in mismatch(project, artefact.rung, artefact.index)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"version": 1}'])
def test_a_damaged_artefact_says_what_to_do(project: Project, damage: str) -> None:
    project.artefact.write_text(damage)
    with pytest.raises(LoresmithError, match="not an artefact that Loresmith wrote") as caught:
        current(project)
    assert "promote again" in caught.value.hint


@pytest.mark.parametrize("damage", ["", "[]", "{}"])
def test_a_damaged_index_manifest_is_no_index(project: Project, damage: str) -> None:
    (project.index / "manifest.json").write_text(damage)
    assert index_fingerprint(project.index) is None
