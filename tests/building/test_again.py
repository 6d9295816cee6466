"""What is done is not done again; what changed is; and the same seed gives the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_line import CommandLine, Ended
from loresmith.files import read_json, read_jsonl
from loresmith.rungs import RUNGS
from small_project import edit_recipe, example_rows, write_rows

STEPS = ["train:0", *(f"eval:{rung}" for rung in RUNGS)]
Build = Callable[..., Ended]


def test_a_build_of_unchanged_inputs_takes_everything_over(rebuilt: Path, build: Build, built: Any) -> None:
    first = built[1].json
    ended = build(rebuilt)
    assert ended.code == 0, ended.err
    assert ended.json["run"] != first["run"]
    assert "0 embedded" in ended.err
    assert worked_on(rebuilt, ended) == []
    assert taken_over(rebuilt, ended) == STEPS
    for part in ("rungs", "pairs", "minimum_detectable", "strata", "verdict", "receipts"):
        assert ended.json[part] == first[part]
    assert folder(rebuilt, ended).joinpath("adapter", "adapter_config.json").is_file()
    assert "<polyline" in folder(rebuilt, ended).joinpath("report.html").read_text(encoding="utf-8")


def test_a_changed_margin_only_decides_anew(rebuilt: Path, build: Build) -> None:
    edit_recipe(rebuilt, {"evaluation.margin": 0.3})
    ended = build(rebuilt)
    assert ended.code == 0, ended.err
    assert taken_over(rebuilt, ended) == STEPS
    assert ended.json["evaluation"]["margin"] == 0.3


def test_a_changed_training_option_trains_anew_and_asks_only_who_was_trained(rebuilt: Path, build: Build) -> None:
    edit_recipe(rebuilt, {"training.0.rank": 3})
    ended = build(rebuilt)
    assert ended.code == 0, ended.err
    assert taken_over(rebuilt, ended) == ["eval:prompt", "eval:few-shot", "eval:rag"]
    assert worked_on(rebuilt, ended) == ["train:0", "tuned", "hybrid"]


def test_a_changed_document_is_embedded_and_retrieved_anew(rebuilt: Path, build: Build) -> None:
    document = rebuilt / "docs" / learnt_from(rebuilt)
    document.write_text(
        document.read_text(encoding="utf-8").replace("\n\n", "\n\nNew this year: ", 1), encoding="utf-8"
    )
    ended = build(rebuilt)
    assert ended.code == 0, ended.err
    # Where training anew gives the very same adapter, even the tuned rung need not be asked again.
    assert [step for step in taken_over(rebuilt, ended) if step != "eval:tuned"] == ["eval:prompt", "eval:few-shot"]
    assert [step for step in worked_on(rebuilt, ended) if step != "tuned"] == ["train:0", "rag", "hybrid"]


def test_the_same_seed_in_a_fresh_copy_gives_the_same_answers(fresh: Path, build: Build, built: Any) -> None:
    ended = build(fresh)
    assert ended.code == 0, ended.err
    for rung in RUNGS:
        assert answers(fresh, ended, rung) == answers(*built, rung)


def test_train_then_build_resume_goes_on_to_the_ladder(
    fresh: Path, build: Build, command_line: CommandLine, built: Any
) -> None:
    trained = command_line.run("train", "--json", "--project", fresh)
    assert trained.code == 0, trained.err
    assert [stage["steps"] for stage in trained.json["stages"]] == [stage_of(*built)["steps"]]
    assert not (fresh / ".loresmith" / "artefact.json").exists()

    some = command_line.run("eval", "--rungs", "rag,prompt", "--json", "--project", fresh)
    assert some.code == 0, some.err
    assert some.json["run"] == trained.json["run"]
    assert list(some.json["rungs"]) == ["prompt", "rag"]
    assert some.json["report"] is None

    ended = build(fresh, "--resume")
    assert ended.code == 0, ended.err
    assert ended.json["run"] == trained.json["run"]
    assert worked_on(fresh, ended) == ["train:0", "prompt", "rag", "few-shot", "tuned", "hybrid"]
    assert ended.json["pairs"] == built[1].json["pairs"]


def test_eval_of_some_rungs_leaves_a_finished_run_finished(rebuilt: Path, command_line: CommandLine) -> None:
    ended = command_line.run("eval", "--rungs", "prompt,hybrid", "--project", rebuilt)
    assert ended.code == 0, ended.err
    [run] = command_line.run("runs", "ls", "--json", "--project", rebuilt).json["runs"]
    assert run["state"] == "done"
    assert list(read_json(rebuilt / ".loresmith" / "runs" / run["run"] / "report.json")["rungs"]) == list(RUNGS)


def test_eval_never_pairs_an_adapter_with_an_index_it_was_not_trained_for(
    rebuilt: Path, command_line: CommandLine, built: Any
) -> None:
    before = read_json(folder(rebuilt, built[1]) / "manifest.json")
    (rebuilt / "docs" / "pier.md").write_text("# Pier\n\nThe pier is 80 metres long.\n", encoding="utf-8")
    refused = command_line.run("eval", "--json", "--project", rebuilt)
    assert refused.code == 2
    assert "tuned, hybrid cannot be measured: stage 0 (sft) is not trained yet" in refused.err
    assert "loresmith train" in refused.err
    allowed = command_line.run("eval", "--rungs", "rag", "--json", "--project", rebuilt)
    assert allowed.code == 0, allowed.err
    assert allowed.json["run"] != built[1].json["run"]
    assert read_json(folder(rebuilt, built[1]) / "manifest.json") == before


def test_eval_with_other_metrics_uses_the_adapter_that_is_there(rebuilt: Path, command_line: CommandLine) -> None:
    artefact = read_json(rebuilt / ".loresmith" / "artefact.json")
    edit_recipe(rebuilt, {"evaluation.metrics": ["exact_match"]})
    ended = command_line.run("eval", "--json", "--project", rebuilt)
    assert ended.code == 0, ended.err
    assert taken_over(rebuilt, ended) == ["train:0"]
    assert ended.json["evaluation"]["metric"] == "exact_match"
    assert read_json(rebuilt / ".loresmith" / "artefact.json") == artefact


@pytest.mark.parametrize("command", ["eval", "train"])
def test_what_cannot_be_is_refused_before_anything_is_done(
    fresh: Path, command_line: CommandLine, command: str
) -> None:
    options = {"eval": ["--rungs", "tuned,hybird"], "train": ["--stage", "1"]}[command]
    ended = command_line.run(command, *options, "--project", fresh)
    assert ended.code == 2
    what = {"eval": 'no rung named "hybird"', "train": "the recipe has no training stage 1"}[command]
    assert what in ended.err
    assert not (fresh / ".loresmith" / "split.json").exists()


def test_resume_with_nothing_to_resume_says_so_and_builds(rebuilt: Path, build: Build) -> None:
    ended = build(rebuilt, "--resume")
    assert ended.code == 0, ended.err
    assert "nothing to resume" in ended.err


def test_a_resumed_run_whose_training_changed_does_not_mix_the_two(
    fresh: Path, build: Build, command_line: CommandLine
) -> None:
    assert command_line.run("train", "--project", fresh).code == 0
    edit_recipe(fresh, {"training.0.epochs": 1})
    ended = build(fresh, "--resume")
    assert ended.code == 0, ended.err
    steps = [event["step"] for event in events(fresh, ended) if event["event"] == "step"]
    last = read_json(folder(fresh, ended) / "manifest.json")["steps"]["train:0"]["value"]["steps"]
    assert steps[-last:] == list(range(1, last + 1))
    assert last < len(steps) - last


def test_resplit_freezes_a_new_split(rebuilt: Path, build: Build) -> None:
    rows = example_rows()
    rows[0]["question"] = "What do I pay there and back?"
    rows[-1]["question"] = "How cold is the lake?"
    write_rows(rebuilt, rows)
    edit_recipe(rebuilt, {"data.split.seed": 5})
    assert build(rebuilt).code == 3
    ended = build(rebuilt, "--resplit")
    assert ended.code == 0, ended.err
    assert "train:0" in worked_on(rebuilt, ended)


def test_a_build_mends_an_index_that_was_removed(rebuilt: Path, build: Build) -> None:
    shutil.rmtree(rebuilt / ".loresmith" / "index")
    ended = build(rebuilt)
    assert ended.code == 0, ended.err
    assert taken_over(rebuilt, ended) == STEPS


def learnt_from(project: Path) -> str:
    """Return a document whose passages stand in training examples."""
    split = read_json(project / ".loresmith" / "split.json")["examples"]
    trained = {entry["question"] for entry in split.values() if entry["side"] == "train"}
    return next(str(row["grounding"][0]) for row in example_rows() if row["question"] in trained and "grounding" in row)


def folder(project: Path, ended: Ended) -> Path:
    return project / ".loresmith" / "runs" / str(ended.json["run"])


def events(project: Path, ended: Ended) -> list[dict[str, Any]]:
    return read_jsonl(folder(project, ended) / "events.jsonl")


def taken_over(project: Path, ended: Ended) -> list[str]:
    return [event["step_of"] for event in events(project, ended) if event["event"] == "taken over"]


def worked_on(project: Path, ended: Ended) -> list[str]:
    """Return the stages that were trained and the rungs that were asked, by what the run says of itself."""
    done = read_json(folder(project, ended) / "manifest.json")["steps"]
    new = [step for step in done if step not in taken_over(project, ended)]
    return [step.removeprefix("eval:") for step in new]


def stage_of(project: Path, ended: Ended) -> dict[str, Any]:
    value: dict[str, Any] = read_json(folder(project, ended) / "manifest.json")["steps"]["train:0"]["value"]
    return value


def answers(project: Path, ended: Ended, rung: str) -> list[dict[str, Any]]:
    rows = read_jsonl(folder(project, ended) / "answers" / f"{rung}.jsonl")
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
