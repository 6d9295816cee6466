"""Ctrl-C keeps what was done; two writers are kept apart."""

from __future__ import annotations

import signal
from pathlib import Path

from command_line import Command, CommandLine
from loresmith.files import read_json, read_jsonl
from loresmith.rungs import RUNGS
from small_project import edit_recipe


def test_ctrl_c_while_training_keeps_a_checkpoint_and_resume_goes_on_from_it(
    fresh: Path, command_line: CommandLine
) -> None:
    edit_recipe(fresh, {"training.0.epochs": 12, "training.0.patience": 100, "training.0.checkpoint_seconds": 1000})
    building = command_line.start("build", "--json", "--project", fresh)
    building.until(lambda: steps(fresh)[3:], "the fourth step")
    building.signal(signal.SIGINT)
    ended = building.wait()
    assert ended.code == 130
    assert "stopping after this step" in ended.err
    assert "its checkpoint is kept" in ended.err
    assert "loresmith build --resume" in ended.err
    assert ended.out == ""
    [run] = command_line.run("runs", "ls", "--json", "--project", fresh).json["runs"]
    assert run["state"] == "interrupted"
    [checkpoint] = (fresh / ".loresmith" / "runs" / run["run"]).glob("checkpoints/0-sft/checkpoint/progress.json")
    stopped_at = read_json(checkpoint)["step"]

    resumed = command_line.run("build", "--resume", "--json", "--project", fresh)
    assert resumed.code == 0, resumed.err
    assert resumed.json["run"] == run["run"]
    done = steps(fresh)
    assert done == list(range(1, done[-1] + 1))
    assert done[-1] > stopped_at
    assert list(resumed.json["rungs"]) == list(RUNGS)


def test_ctrl_c_while_asking_ends_at_once_and_keeps_the_rungs_before(fresh: Path, command_line: CommandLine) -> None:
    edit_recipe(fresh, {"engine.max_tokens": 1200, "training.0.epochs": 1})
    building = command_line.start("build", "--project", fresh)
    building.until_said("asking few-shot: 0 %")
    building.signal(signal.SIGINT)
    ended = building.wait()
    assert ended.code == 130
    assert "interrupted; what was done is kept" in ended.err
    assert "Traceback" not in ended.err
    [run] = (fresh / ".loresmith" / "runs").iterdir()
    assert [path.name for path in (run / "answers").glob("*.jsonl")] == ["prompt.jsonl"]
    assert read_json(run / "manifest.json")["state"] == "interrupted"
    assert not (fresh / ".loresmith" / "lock.json").exists()


def test_termination_is_an_interruption_too(fresh: Path, command_line: CommandLine) -> None:
    edit_recipe(fresh, {"training.0.epochs": 50, "training.0.patience": 100})
    building = command_line.start("train", "--project", fresh)
    building.until(lambda: steps(fresh), "a step")
    building.signal(signal.SIGTERM)
    assert building.wait().code == 130


def test_a_second_build_is_refused_naming_the_first_and_does_not_disturb_it(
    fresh: Path, command_line: CommandLine
) -> None:
    edit_recipe(fresh, {"training.0.epochs": 12, "training.0.patience": 100})
    first = command_line.start("build", "--json", "--project", fresh)
    first.until(lambda: steps(fresh), "a step")
    for command in ("build", "train", "eval", "index"):
        refused = command_line.run(command, "--project", fresh)
        assert refused.code == 1
        assert f"`loresmith build` (process {first.pid}" in refused.err
    assert command_line.run("runs", "ls", "--project", fresh).code == 0
    ended = still_going(first).wait()
    assert ended.code == 0, ended.err
    assert list(ended.json["rungs"]) == list(RUNGS)


def test_the_lock_names_the_command_that_holds_it(fresh: Path, command_line: CommandLine) -> None:
    edit_recipe(fresh, {"training.0.epochs": 50, "training.0.patience": 100})
    training = command_line.start("train", "--project", fresh)
    training.until(lambda: steps(fresh), "a step")
    assert "`loresmith train` (process" in command_line.run("build", "--project", fresh).err
    training.signal(signal.SIGKILL)
    training.wait()
    resumed = command_line.start("build", "--resume", "--project", fresh)
    resumed.until_said("took over the lock of `loresmith train`")
    resumed.signal(signal.SIGKILL)
    resumed.wait()


def still_going(command: Command) -> Command:
    assert command.running, "the first build was done before the second came; make it longer"
    return command


def steps(project: Path) -> list[int]:
    """Return the training steps that the project's only run has written down."""
    files = list((project / ".loresmith" / "runs").glob("[!.]*/events.jsonl"))
    rows = read_jsonl(files[0]) if files else []
    return [row["step"] for row in rows if row["event"] == "step"]
