"""What is wrong with the input is said with its place, in the right exit code, and nothing that was done is lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import CommandLine, Ended
from loresmith.files import folder_hash, read_json
from small_project import edit_recipe, example_rows, write_rows

SIX_MISTAKES = """\
name: Tarn Line
base: 7
instructions: You answer.
knowledge:
  sources: [{kind: files, path: dogs}]
  retriever: {kind: hybird, k: 2}
data:
  examples: [{kind: jsonl, path: data/examples.jsonl}]
  splitt: {dev: 0.1}
training:
  - {method: sft, epochs: many}
"""
Build = Callable[..., Ended]


@pytest.fixture
def refused(rebuilt: Path, build: Build) -> Iterator[Callable[..., str]]:
    """Build the changed project and return what it said; its state must be what it was before."""
    before = kept(rebuilt)

    def run(code: int, *options: str) -> str:
        ended = build(rebuilt, *options)
        assert (ended.code, ended.out) == (code, ""), ended.err
        assert "Traceback" not in ended.err
        assert "defect" not in ended.err
        return ended.err

    yield run
    assert kept(rebuilt) == before


def kept(project: Path) -> dict[str, str]:
    """Return the hashes of all that may not change when a build is refused."""
    state = project / ".loresmith"
    files = {path: path.read_text(encoding="utf-8") for path in (state / "artefact.json", state / "split.json")}
    [run] = (state / "runs").glob("[!.]*")
    return {"runs": run.name, "run": folder_hash(run), **{path.name: text for path, text in files.items()}}


def test_six_mistakes_of_a_recipe_are_reported_at_once_with_their_lines(
    rebuilt: Path, refused: Callable[..., str]
) -> None:
    (rebuilt / "assistant.yaml").write_text(SIX_MISTAKES, encoding="utf-8")
    said = refused(2)
    assert "the recipe is wrong: 6 problems" in said
    places = [(1, "name"), (2, "base"), (5, "knowledge.sources.0.path"), (6, "knowledge.retriever.kind")]
    for line, key in [*places, (9, "data.splitt"), (11, "training.0.epochs")]:
        assert f"assistant.yaml:{line}: {key}: " in said.replace("[0]", ".0"), said
    assert 'Did you mean "hybrid"?' in said
    assert 'Did you mean "docs"?' in said
    assert 'Did you mean "split"?' in said


def test_without_a_recipe_it_says_how_to_start_a_project(tmp_path: Path, build: Build) -> None:
    ended = build(tmp_path)
    assert ended.code == 2
    assert "no assistant.yaml in" in ended.err
    assert "loresmith new" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_document_that_is_not_utf_8_is_named(rebuilt: Path, refused: Callable[..., str]) -> None:
    (rebuilt / "docs" / "dogs.md").write_bytes("# Hunde\n\nKörbe sind Pflicht.".encode("latin-1"))
    said = refused(2)
    assert "docs/dogs.md" in said
    assert "UTF-8" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_document_without_permission_is_named(rebuilt: Path, refused: Callable[..., str]) -> None:
    (rebuilt / "docs" / "dogs.md").chmod(0)
    said = refused(2)
    assert "docs/dogs.md: cannot be read: permission denied" in said
    (rebuilt / "docs" / "dogs.md").chmod(0o644)


def test_what_is_wrong_with_documents_and_examples_is_said_together(rebuilt: Path, refused: Callable[..., str]) -> None:
    (rebuilt / "docs" / "dogs.md").write_bytes(b"\xff\xfe\x00")
    with (rebuilt / "data" / "examples.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(
            '{"question": "Is it',
        )
    said = refused(2)
    assert "2 problems" in said
    assert "docs/dogs.md" in said
    assert "data/examples.jsonl:31: the row ends too early" in said
    assert "Was the file cut off?" in said


def test_an_empty_data_file_is_named(rebuilt: Path, refused: Callable[..., str]) -> None:
    (rebuilt / "data" / "examples.jsonl").write_text("", encoding="utf-8")
    assert "data/examples.jsonl: the file is empty" in refused(2)


def test_a_grounding_that_is_no_document_names_the_row_and_the_nearest(
    rebuilt: Path, refused: Callable[..., str]
) -> None:
    rows = example_rows()
    rows[4]["grounding"] = ["dog.md"]
    write_rows(rebuilt, rows)
    said = refused(2)
    assert 'data/examples.jsonl:5: grounding: there is no document "dog.md"' in said
    assert 'Did you mean "dogs.md"?' in said


def test_an_example_longer_than_the_window_is_named_before_it_is_trained(fresh: Path, build: Build) -> None:
    rows = example_rows()
    # Of the kind that is not split by document, enough that some are trained on.
    for row in rows[-6:]:
        row["answer"] = "So it goes. " * 400
    write_rows(fresh, rows)
    ended = build(fresh)
    assert ended.code == 2
    assert "examples do not fit the window of the model" in ended.err
    named = [n for n in range(25, 31) if f"data/examples.jsonl:{n}: the example has " in ended.err]
    assert named
    assert "the model reads 2048" in ended.err
    assert ended.out == ""


def test_held_out_questions_longer_than_the_window_are_named_by_their_rows(rebuilt: Path, build: Build) -> None:
    split = read_json(rebuilt / ".loresmith" / "split.json")["examples"]
    held_out = {entry["question"] for entry in split.values() if entry["side"] == "test"}
    lines = [n for n, row in enumerate(example_rows(), 1) if row["question"] in held_out]
    edit_recipe(rebuilt, {"engine.max_tokens": 2000, "training": []})
    ended = build(rebuilt)
    assert ended.code == 2
    assert "rung prompt: prompts do not fit the window of the model" in ended.err
    assert [n for n in range(1, 31) if f"data/examples.jsonl:{n}: the prompt has " in ended.err] == lines


def test_a_base_model_without_a_chat_template_is_refused_with_what_to_do(
    rebuilt: Path, models: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    base = Path(shutil.copytree(models / "base", tmp_path / "bare"))
    settings = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    del settings["chat_template"]
    (base / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    edit_recipe(rebuilt, {"base": str(base)})
    said = refused(2)
    assert "has no chat template" in said
    assert "chat_template.jinja" in said


def test_an_unknown_base_model_names_what_was_tried_and_what_there_is(
    rebuilt: Path, refused: Callable[..., str]
) -> None:
    edit_recipe(rebuilt, {"base": "nobody/no-such-model"})
    said = refused(1)
    assert '"nobody/no-such-model"' in said
    assert "smollm2-135m" in said


def test_a_base_folder_that_is_not_there_is_a_mistake_of_the_recipe(rebuilt: Path, refused: Callable[..., str]) -> None:
    edit_recipe(rebuilt, {"base": "./models/base"})
    assert 'assistant.yaml:2: base: there is no model folder "./models/base"' in refused(2)


def test_too_few_examples_to_split_say_what_is_missing(fresh: Path, build: Build) -> None:
    write_rows(fresh, example_rows()[:5])
    ended = build(fresh)
    assert ended.code == 2
    assert "train, dev and test need 3 groups, and 5 examples make 2 groups" in ended.err
    assert not (fresh / ".loresmith" / "split.json").exists()


def test_a_copy_of_a_held_out_question_is_refused(rebuilt: Path, refused: Callable[..., str]) -> None:
    rows, held_out = example_rows(), held_out_row(rebuilt)
    write_rows(rebuilt, [*rows, {"question": held_out["question"].upper(), "answer": "Yes.", "grounding": []}])
    said = refused(3)
    assert "a new example leaks what is held out" in said
    assert "data/examples.jsonl:31: asks the same as data/examples.jsonl:" in said


def test_an_edited_held_out_example_is_refused_and_resplit_named(rebuilt: Path, refused: Callable[..., str]) -> None:
    rows, held_out = example_rows(), held_out_row(rebuilt)
    next(row for row in rows if row["question"] == held_out["question"])["answer"] = "Better ask."
    write_rows(rebuilt, rows)
    said = refused(3)
    assert held_out["question"] in said
    assert "--resplit" in said


def test_a_disk_that_is_full_while_a_checkpoint_is_written_is_said_and_resume_goes_on(
    fresh: Path, build: Build, command_line: CommandLine
) -> None:
    edit_recipe(fresh, {"training.0.rank": 16})
    assert command_line.run("index", "--project", fresh).code == 0
    ended = command_line.run("build", "--project", fresh, before=no_large_files)
    assert_checkpoint_refused(ended)
    assert build(fresh, "--resume").code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_small_disk_fills_up_and_the_project_opens_nevertheless(
    fresh: Path, build: Build, command_line: CommandLine
) -> None:
    edit_recipe(fresh, {"training.0.rank": 16})
    runs = fresh / ".loresmith" / "runs"
    runs.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(runs)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount")
    try:
        ended = command_line.run("build", "--project", fresh)
        assert_checkpoint_refused(ended)
        assert "the disk is full" in ended.err
        [run] = command_line.run("runs", "ls", "--json", "--project", fresh).json["runs"]
        assert run["state"] in ("failed", "interrupted")
        subprocess.run([*mount[:4], "remount,size=64m", *mount[5:]], check=True)
        resumed = build(fresh, "--resume")
        assert resumed.code == 0, resumed.err
        assert resumed.json["run"] == run["run"]
    finally:
        subprocess.run(["umount", str(runs)], check=True)


def test_a_broken_plugin_beside_is_reported_and_the_build_goes_on(
    rebuilt: Path, build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site" / "loresmith_broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loresmith-broken\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[loresmith]\nbroken = loresmith_broken\n", encoding="utf-8")
    (tmp_path / "site" / "loresmith_broken.py").write_text("raise RuntimeError('no licence')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    ended = build(rebuilt)
    assert ended.code == 0, ended.err
    assert "plugin broken did not load: RuntimeError: no licence" in ended.err


def no_large_files() -> None:
    """Make every write beyond this size of a file fail, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))


def assert_checkpoint_refused(ended: Ended) -> None:
    assert ended.code == 1, ended.err
    assert "the checkpoint of step " in ended.err
    assert "cannot be written to" in ended.err
    assert "loresmith build --resume" in ended.err
    assert "Traceback" not in ended.err


def held_out_row(project: Path) -> dict[str, Any]:
    """Return a row of the test side."""
    split = read_json(project / ".loresmith" / "split.json")["examples"]
    asked = {entry["question"] for entry in split.values() if entry["side"] == "test"}
    return next(row for row in example_rows() if row["question"] in asked)
