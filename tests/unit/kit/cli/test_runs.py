"""`loresmith runs`, as a user calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from loresmith.cli.main import run as loresmith
from loresmith.files import write_json
from loresmith.lock import ProjectLock
from loresmith.project import Project
from loresmith.runs.run import Run

Make = Callable[..., Run]


class Calls:
    """Calls `loresmith runs ...` in the project and keeps what it wrote."""

    def __init__(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        self._project, self._capsys = project, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        code = loresmith(["runs", *arguments, "--project", str(self._project.root)])
        self.out, self.err = self._capsys.readouterr()
        return code

    @property
    def value(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def runs(project: Project, capsys: pytest.CaptureFixture[str]) -> Calls:
    return Calls(project, capsys)


def test_a_project_without_runs_says_what_to_do(runs: Calls) -> None:
    assert runs("ls") == 0
    assert "loresmith build" in runs.out
    assert runs("ls", "--json") == 0
    assert runs.value == {"runs": []}
    assert runs("show", "latest") == 2
    assert "no runs yet" in runs.err
    assert "loresmith build" in runs.err


def test_runs_are_listed_latest_first_with_verdict_metric_and_what_is_promoted(runs: Calls, make_run: Make) -> None:
    done, going = make_run(["rag", "hybrid"]), make_run()
    assert runs("promote", done.id) == 0
    assert runs("ls") == 0
    head, first, second = runs.out.splitlines()
    assert head.split() == ["run", "state", "started", "verdict", "metric", "promoted"]
    assert first.split()[:2] == [going.id, "running"]
    assert second.split()[:2] == [done.id, "done"]
    assert "still 0.500 [0.400, 0.600]" in second
    assert second.endswith("hybrid")
    runs("ls", "--json")
    assert runs.value["runs"][1] == {
        "run": done.id,
        "name": "harbour-desk",
        "state": "done",
        "started": done.manifest.created,
        "ship": "hybrid",
        "decided": True,
        "metric": {"name": "still", "mean": 0.5, "low": 0.4, "high": 0.6},
        "promoted": "hybrid",
    }
    assert runs.value["runs"][0]["metric"] is None


def test_a_damaged_run_is_named_and_the_others_are_listed(runs: Calls, make_run: Make) -> None:
    bad, good = make_run(), make_run()
    (bad.folder / "manifest.json").write_text("{")
    assert runs("ls", "--json") == 0
    assert [row["run"] for row in runs.value["runs"]] == [good.id]
    assert bad.id in runs.err


def test_a_damaged_artefact_does_not_hide_the_runs(runs: Calls, make_run: Make, project: Project) -> None:
    run = make_run(["rag"])
    project.artefact.write_text("{")
    assert runs("ls") == 0
    assert run.id in runs.out
    assert "not an artefact" in runs.err
    assert runs("show", "latest") == 0


def test_a_run_is_shown_with_what_it_is_made_of_and_its_ladder(runs: Calls, make_run: Make) -> None:
    run = make_run(["rag", "hybrid"])
    run.mark("train:0", "k", {"steps": 40, "dev_loss": 1.25, "details": {"long": "story"}})
    assert runs("show", "latest") == 0
    for part in (run.id, "seed", "recipe", "torch", "steps 40, dev_loss 1.25", "trained_tokens 7", "ship hybrid"):
        assert part in runs.out
    assert "story" not in runs.out
    assert runs("show", run.id[:9], "--json") == 0
    assert runs.value["id"] == run.id
    assert runs.value["state"] == "done"
    assert runs.value["receipts"] == {"mask": {"trained_tokens": 7}}
    assert runs.value["report"]["verdict"]["ship"] == "hybrid"
    assert runs.value["steps"]["train:0"]["value"]["details"] == {"long": "story"}


def test_an_unfinished_run_says_how_far_it_is_and_what_comes_next(runs: Calls, make_run: Make) -> None:
    run = make_run()
    with run.working():
        run.append_answers("prompt", [{"id": "q1"}], key="k")
        run.finish_answers("prompt", "k")
    assert runs("show", "latest") == 0
    assert "interrupted" in runs.out
    assert "build --resume" in runs.out
    assert "measured so far: prompt" in runs.out
    runs("show", "latest", "--json")
    assert runs.value["report"] is None


def test_what_a_run_keeps_does_not_steer_the_terminal(runs: Calls, make_run: Make) -> None:
    make_run().write_receipt("note", {"text": "\x1b[2Jgone"})
    runs("show", "latest")
    assert "\x1b" not in runs.out


def test_an_unknown_run_is_refused_with_the_nearest(runs: Calls, make_run: Make) -> None:
    run = make_run()
    assert runs("show", run.id[:-1] + "z") == 2
    assert f'Did you mean "{run.id}"?' in runs.err
    assert runs("promote", "nothing") == 2


def test_promoting_makes_the_verdict_the_assistant(runs: Calls, make_run: Make) -> None:
    run = make_run(["rag", "hybrid"])
    assert runs("promote", "latest") == 0
    assert f"promoted hybrid of {run.id} as version 1" in runs.out
    assert runs("promote", run.id, "--rung", "rag", "--json") == 0
    assert (runs.value["version"], runs.value["rung"]) == (2, "rag")


def test_a_gate_that_says_no_ends_with_3_and_force_says_what_it_overruled(
    runs: Calls, make_run: Make, project: Project
) -> None:
    make_run(["hybrid"])
    write_json(project.index / "manifest.json", {"fingerprint": "index-2"})
    assert runs("promote", "latest") == 3
    assert "--force" in runs.err
    assert runs("promote", "latest", "--force", "--json") == 0
    assert "warning: promoted although" in runs.err
    assert len(runs.value["overruled"]) == 1


def test_promoting_is_refused_while_another_process_writes(
    runs: Calls, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filelock import FileLock

    run = make_run(["rag"])
    monkeypatch.setattr("loresmith.lock.PATIENCE", 0)
    with FileLock(run.project.lock):
        assert runs("promote", "latest") == 1
        assert "another process writes" in runs.err
        assert runs("ls") == 0
        assert runs("show", "latest") == 0
    with ProjectLock(run.project, "build"):
        assert runs("promote", "latest") == 0


def test_outside_a_project_it_says_so(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert loresmith(["runs", "ls", "--project", str(tmp_path)]) == 2
    assert "assistant.yaml" in capsys.readouterr().err


def test_two_runs_are_compared_by_what_differs(make_run: Make, runs: Calls) -> None:
    one, other = make_run(["prompt", "rag"]), make_run(["prompt"], index="index-2")
    report = other.read_report()
    report["rungs"]["prompt"]["metrics"]["still"] = {"mean": 0.9, "low": 0.8, "high": 1.0}
    write_json(other.report, report)
    other.recipe.write_text(other.recipe.read_text().replace("k: 3", "k: 7"))
    assert runs("diff", one.id, other.id, "--json") == 0
    assert runs.value["recipe"] == [{"key": "knowledge.retriever.k", "values": [3, 7]}]
    assert runs.value["hashes"] == [{"key": "index", "values": ["index-1", "index-2"]}]
    assert runs.value["versions"] == []
    means = {each["rung"]: [value and value["mean"] for value in each["values"]] for each in runs.value["rungs"]}
    assert means == {"prompt": [0.5, 0.9], "rag": [0.5, None]}
    assert runs("diff", one.id, other.id) == 0
    for line in ("  knowledge.retriever.k", "  - 3", "  + 7", "versions: the same", "  + still not measured"):
        assert line in runs.out.splitlines()
