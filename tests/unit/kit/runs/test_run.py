from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from loresmith import __version__
from loresmith.errors import Interrupted, LoresmithError, TrainError, UsageError
from loresmith.files import read_json, read_jsonl
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.project import Project
from loresmith.recipe.models import Recipe
from loresmith.runs.run import Run, broken
from loresmith.specs import StageResult
from loresmith.values import Weights

Make = Callable[..., Run]

# -------------------------------------------------------------------------------------------------- making and finding


def test_a_new_run_says_what_it_is_made_of(make_run: Make, project: Project) -> None:
    run = make_run(accelerators=["Some GPU"], parent="20260101-0000-abcd")
    manifest = read_json(run.folder / "manifest.json")
    assert manifest["name"] == "harbour-desk"
    assert manifest["state"] == "running"
    assert manifest["metric"] == "still"
    assert manifest["seed"] == 42
    assert manifest["parent"] == "20260101-0000-abcd"
    assert manifest["hashes"].keys() == {"recipe", "base", "index"}
    assert manifest["versions"]["loresmith"] == __version__
    assert manifest["versions"]["torch"] == metadata.version("torch")
    assert "pytest" not in manifest["versions"]
    assert manifest["hardware"]["cores"] >= 1
    assert manifest["hardware"]["memory"] > 2**20
    assert manifest["hardware"]["accelerators"] == ["Some GPU"]
    assert manifest["plugins"] == [{"name": "still", "distribution": "", "version": "9.9", "state": "loaded"}]
    assert run.id.endswith(manifest["hashes"]["recipe"][:4])
    assert run.folder == project.runs / run.id


def test_finding_the_versions_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from loresmith.host import PluginHost\n"
        "from loresmith.runs.run import Run\n"
        "from loresmith.runs import surroundings\n"
        "surroundings.versions(PluginHost(points=[])), surroundings.hardware()\n"
        "print([m for m in ('torch', 'transformers', 'peft', 'chromadb', 'numpy', 'rich') if m in sys.modules])\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_the_recipe_is_kept_with_every_default_spelled_out(make_run: Make) -> None:
    recipe = yaml.safe_load(make_run().recipe.read_text())
    assert recipe["knowledge"]["retriever"] == {"kind": "still", "k": 3}
    assert recipe["knowledge"]["chunker"] == {"kind": "still", "k": 4}
    assert recipe["training"] == [{"method": "still", "rungs": ["tuned", "hybrid"], "k": 4}]
    assert recipe["data"]["split"]["seed"] == 13
    assert Recipe.model_validate(recipe)


def test_runs_of_one_minute_have_ids_of_their_own_and_the_later_is_latest(make_run: Make, project: Project) -> None:
    runs = [make_run() for _ in range(4)]
    assert len({run.id for run in runs}) == 4
    assert [run.id for run in Run.all(project)] == [run.id for run in reversed(runs)]
    latest = Run.latest(project)
    assert latest is not None
    assert latest.id == runs[-1].id


def test_the_latest_unfinished_run_is_the_one_to_resume(make_run: Make, project: Project) -> None:
    make_run(["rag"])
    assert Run.latest(project, unfinished=True) is None
    unfinished = make_run()
    make_run(["rag"])
    latest = Run.latest(project, unfinished=True)
    assert latest is not None
    assert latest.id == unfinished.id


def test_a_project_without_runs_has_no_latest(project: Project) -> None:
    assert Run.latest(project) is None
    assert Run.all(project) == []
    with pytest.raises(UsageError, match="no runs yet"):
        Run.meant(project, "latest")


def test_a_run_is_found_by_the_unique_beginning_of_its_id(make_run: Make, project: Project) -> None:
    first = make_run()
    assert Run.meant(project, first.id[:10]).id == first.id
    second = make_run()
    assert Run.meant(project, first.id).id == first.id
    assert Run.meant(project, "latest").id == second.id
    with pytest.raises(UsageError, match="beginning of 2 runs"):
        Run.meant(project, first.id[:10])


@pytest.mark.parametrize("name", ["", "..", "../..", "nothing", "/"])
def test_an_unknown_run_is_refused_with_what_there_is(make_run: Make, project: Project, name: str) -> None:
    run = make_run()
    with pytest.raises(UsageError) as caught:
        Run.meant(project, name)
    assert run.id in caught.value.hint


def test_a_misspelled_id_names_the_nearest(make_run: Make, project: Project) -> None:
    run = make_run()
    with pytest.raises(UsageError) as caught:
        Run.open(project, run.id[:-1] + "z")
    assert f'Did you mean "{run.id}"?' in caught.value.hint


def test_a_run_that_was_killed_while_it_was_made_leaves_no_trace(make_run: Make, project: Project) -> None:
    half = project.runs / ".20260101-0000-abcd.77.tmp"
    half.mkdir(parents=True)
    assert Run.all(project) == []
    make_run()
    assert not half.exists()
    assert len(Run.all(project)) == 1


@pytest.mark.parametrize("damage", ["", "[]", '{"id": 3}'])
def test_a_run_that_cannot_be_opened_leaves_the_others(make_run: Make, project: Project, damage: str) -> None:
    bad, good = make_run(), make_run()
    (bad.folder / "manifest.json").write_text(damage)
    assert [run.id for run in Run.all(project)] == [good.id]
    assert bad.id in broken(project)[0].message
    with pytest.raises(LoresmithError, match="cannot be read"):
        Run.open(project, bad.id)


# ------------------------------------------------------------------------------------------------------------- state


def test_a_run_whose_process_is_gone_is_interrupted(make_run: Make, project: Project) -> None:
    run = make_run()
    assert Run.open(project, run.id).state == "running"
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    run.manifest.process["pid"] = child.pid
    run.manifest.write(run.folder)
    assert Run.open(project, run.id).state == "interrupted"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Interrupted("stopped at step 3"), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(130), "interrupted"),
        (TrainError("the loss is not finite\nat step 3"), "failed"),
        (OSError(28, "No space left on device"), "failed"),
    ],
)
def test_how_the_work_ended_is_how_the_run_stands(
    make_run: Make, project: Project, error: BaseException, state: str
) -> None:
    run = make_run()
    with pytest.raises(type(error)), run.working():
        raise error
    again = Run.open(project, run.id)
    assert again.state == state
    assert again.manifest.why
    assert "\n" not in again.manifest.why
    assert again.manifest.attempts[-1].ended


def test_a_block_left_without_finish_can_be_resumed_and_then_is_done(make_run: Make, project: Project) -> None:
    run = make_run()
    with run.working():
        assert run.state == "running"
    assert run.state == "interrupted"
    resumed = Run.open(project, run.id)
    with resumed.working():
        resumed.finish()
    assert Run.open(project, run.id).state == "done"
    assert [attempt.state for attempt in resumed.manifest.attempts] == ["interrupted", "done"]


def test_a_full_disk_while_the_end_is_noted_does_not_hide_why_it_ended(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    def work() -> None:
        with run.working():
            monkeypatch.setattr("loresmith.runs.manifest.write_json", full)
            raise TrainError("the loss is not finite")

    with pytest.raises(TrainError):
        work()


def test_other_versions_at_a_resume_are_recorded(
    make_run: Make, project: Project, still_host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    with run.working():
        pass
    monkeypatch.setattr("loresmith.runs.surroundings.versions", lambda _: {"torch": "99"})
    with Run.open(project, run.id, still_host).working():
        pass
    attempts = Run.open(project, run.id).manifest.attempts
    assert [attempt.versions for attempt in attempts] == [{}, {"torch": "99"}]


def test_keys_of_a_newer_version_survive(make_run: Make, project: Project) -> None:
    run = make_run()
    value = read_json(run.folder / "manifest.json") | {"colour": "blue"}
    (run.folder / "manifest.json").write_text(json.dumps(value))
    Run.open(project, run.id).mark("index", "k")
    assert read_json(run.folder / "manifest.json")["colour"] == "blue"


# ------------------------------------------------------------------------------------------------------------- steps


def test_a_step_is_done_for_the_key_it_was_done_for(make_run: Make, project: Project) -> None:
    run = make_run()
    assert not run.done("train:0", "k1")
    result = StageResult(Path("a/b"), 9, 7, float("nan"), 1.5, 100, 2.0, details={"x": 1})
    run.mark("train:0", "k1", result)
    again = Run.open(project, run.id)
    assert again.done("train:0", "k1")
    assert not again.done("train:0", "k2")
    assert not again.done("train:1", "k1")
    assert again.result("train:0")["adapter"] == "a/b"
    assert again.result("train:0")["train_loss"] is None
    assert again.result("train:0")["details"] == {"x": 1}
    assert again.result("eval:rag") is None


def test_hashes_that_become_known_later_are_added(make_run: Make, project: Project) -> None:
    run = make_run()
    run.note_hashes({"index": "index-2", "split": "s"})
    hashes = Run.open(project, run.id).manifest.hashes
    assert (hashes["index"], hashes["split"], hashes["base"]) == ("index-2", "s", "base-1")


# ------------------------------------------------------------------------------------------------------------ events


def test_events_are_counted_and_go_on_counting_after_a_kill_in_a_line(make_run: Make, project: Project) -> None:
    run = make_run()
    run.event({"kind": "step", "loss": float("nan")})
    run.event({"kind": "step", "n": 77, "time": "never"})
    with (run.folder / "events.jsonl").open("ab") as stream:
        stream.write(b'{"kind": "st')
    again = Run.open(project, run.id)
    assert [event["n"] for event in again.events()] == [1, 2]
    again.event({"kind": "step"})
    events = read_jsonl(run.folder / "events.jsonl")
    assert [event["n"] for event in events] == [1, 2, 3]
    assert events[0]["loss"] is None
    assert all(event["time"].endswith("Z") for event in events)
    assert sorted(event["time"] for event in events) == [event["time"] for event in events]


def test_threads_may_write_events_at_once(make_run: Make) -> None:
    run = make_run()
    threads = [threading.Thread(target=lambda: [run.event({"kind": "x"}) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event["n"] for event in run.events()] == list(range(1, 81))


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    @hookimpl
    def on_event(self, run: Run, event: Mapping[str, Any]) -> None:
        self.heard.append((run.id, event["kind"]))


class Talker:
    @hookimpl
    def on_event(self, run: Run, event: Mapping[str, Any]) -> None:
        run.event({"kind": f"about {event['kind']}"})


class Raiser:
    @hookimpl
    def on_event(self) -> None:
        raise RuntimeError("no network")


def test_plugins_hear_of_events_as_they_are_written(make_run: Make, still_host: PluginHost) -> None:
    listener = Listener()
    still_host.add(listener, "listener")
    run = make_run()
    run.event({"kind": "started"})
    assert listener.heard == [(run.id, "started")]


def test_a_plugin_that_raises_is_reported_once_and_the_others_hear(
    make_run: Make, still_host: PluginHost, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = Listener(), Listener()
    still_host.add(before, "before")
    still_host.add(Raiser(), "raiser")
    still_host.add(after, "after")
    run = make_run()
    for kind in ("a", "b", "c"):
        run.event({"kind": kind})
    assert len(run.events()) == len(before.heard) == len(after.heard) == 3
    warned = capsys.readouterr().err
    assert warned.count("raiser") == 1
    assert "on_event" in warned
    assert "no network" in warned


def test_a_plugin_may_write_an_event_about_an_event(make_run: Make, still_host: PluginHost) -> None:
    still_host.add(Talker(), "talker")
    run = make_run()
    run.event({"kind": "a"})
    assert [event["kind"] for event in run.events()] == ["a", "about a"]


# ----------------------------------------------------------------------------------------------------------- answers


def row(number: int, text: str = "x") -> dict[str, Any]:
    return {"id": f"q{number}", "answer": text, "scores": {"still": 0.5}}


def test_an_interrupted_measurement_keeps_its_finished_rows(make_run: Make, project: Project) -> None:
    run = make_run()
    run.append_answers("rag", [row(1), row(2)], key="k1")
    (part,) = (run.folder / "answers").iterdir()
    with part.open("ab") as stream:
        stream.write(b'{"id": "q3", "ans')
    again = Run.open(project, run.id)
    assert [each["id"] for each in again.answers("rag", "k1")] == ["q1", "q2"]
    assert again.answered_rungs() == []
    again.append_answers("rag", [row(3)], key="k1")
    again.finish_answers("rag", "k1", ids=["q3", "q1", "q2"])
    assert [each["id"] for each in again.answers("rag")] == ["q3", "q1", "q2"]
    assert [each["id"] for each in read_jsonl(run.folder / "answers" / "rag.jsonl")] == ["q3", "q1", "q2"]
    assert again.answered_rungs() == ["rag"]
    assert [path.name for path in (run.folder / "answers").iterdir()] == ["rag.jsonl"]


def test_rows_of_another_measurement_are_never_taken(make_run: Make, project: Project) -> None:
    run = make_run()
    run.append_answers("rag", [row(1, "old")], key="old")
    run.finish_answers("rag", "old")
    run.append_answers("rag", [row(1, "older")], key="older")
    again = Run.open(project, run.id)
    assert again.answers("rag", "new") == []
    assert again.answers("rag", "old")[0]["answer"] == "old"
    again.append_answers("rag", [row(1, "new")], key="new")
    assert again.answers("rag")[0]["answer"] == "old"
    again.finish_answers("rag", "new")
    assert again.answers("rag")[0]["answer"] == "new"
    assert again.answers("rag", "old") == []


def test_a_kill_between_the_file_and_its_note_only_asks_for_the_finish_again(make_run: Make, project: Project) -> None:
    run = make_run()
    run.append_answers("rag", [row(1)], key="k1")
    run._answers.finish("rag", "k1", None)
    again = Run.open(project, run.id)
    assert [each["id"] for each in again.answers("rag", "k1")] == ["q1"]
    again.finish_answers("rag", "k1", ids=["q1"])
    assert [each["id"] for each in again.answers("rag", "k1")] == ["q1"]


def test_a_kill_after_the_finish_leaves_answers_that_can_be_finished_again(make_run: Make, project: Project) -> None:
    run = make_run()
    run.append_answers("rag", [row(1), row(2)], key="k1")
    run.finish_answers("rag", "k1", ids=["q2", "q1"])
    again = Run.open(project, run.id)
    # The step itself was not noted as done: nothing is left to ask, and it is finished once more.
    assert [each["id"] for each in again.answers("rag", "k1")] == ["q2", "q1"]
    again.finish_answers("rag", "k1", ids=["q2", "q1"])
    assert [each["id"] for each in again.answers("rag")] == ["q2", "q1"]


def test_a_question_answered_twice_counts_once_and_one_without_answer_is_missed(make_run: Make) -> None:
    run = make_run()
    run.append_answers("rag", [row(1, "a"), row(1, "b")], key="k")
    assert [each["answer"] for each in run.answers("rag", "k")] == ["b"]
    with pytest.raises(KeyError):
        run.finish_answers("rag", "k", ids=["q1", "q2"])
    assert run.answered_rungs() == []


# ------------------------------------------------------------------------------------------------ what lies in a run


def test_receipts_are_read_as_they_were_written(make_run: Make) -> None:
    run = make_run()
    assert run.receipts() == {}
    run.write_receipt("mask", {"trained_tokens": 3, "share": float("inf")})
    run.write_receipt("leak", {"exact": 0})
    assert run.receipts() == {"leak": {"exact": 0}, "mask": {"trained_tokens": 3, "share": None}}


def test_a_rung_uses_its_own_adapter_or_the_common_one_or_none(make_run: Make) -> None:
    run = make_run()
    assert run.weights_of("hybrid") is None
    run.adapter.mkdir()
    (run.adapter / "adapter.safetensors").write_text("w")
    (run.adapter / "tuned").mkdir()
    assert run.weights_of("hybrid") == Weights(adapter=run.adapter)
    assert run.weights_of("tuned") == Weights(adapter=run.adapter / "tuned")
    assert run.weights_of("rag") is None


def test_weights_of_all_rungs_are_kept_once_and_those_of_one_under_its_name(make_run: Make, tmp_path: Path) -> None:
    run, (one, other) = make_run(), (tmp_path / "one", tmp_path / "other")
    for folder in (one, other):
        folder.mkdir()
        (folder / "model.safetensors").write_text(folder.name)
    run.keep_weights({"tuned": Weights(one, other), "hybrid": Weights(one)})
    assert run.weights_of("tuned") == Weights(run.model, run.adapter / "tuned")
    assert run.weights_of("hybrid") == Weights(run.model)
    run.keep_weights({"hybrid": Weights(adapter=other)})
    assert run.weights_of("tuned") is None
    assert run.weights_of("hybrid") == Weights(adapter=run.adapter / "hybrid")
