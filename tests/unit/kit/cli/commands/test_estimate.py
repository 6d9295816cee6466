from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from loresmith.cli.main import run
from small_project import edit_recipe, write_project
from tiny_models import write_chat_model


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chat_model(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def project(tmp_path: Path, base: Path) -> Path:
    return write_project(tmp_path / "project", base, tmp_path / "no-embedder")


def estimated(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    assert run(["estimate", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_stages_of_a_recipe_are_estimated_from_its_own_data(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = estimated(capsys, "--project", project)
    assert value["base"]["exact"]
    (stage,) = value["stages"]
    assert (stage["method"], stage["adapter"], stage["rank"], stage["batch"]) == ("sft", "lora", 2, 4)
    assert "30 examples, counted with the model's tokenizer" in stage["rows"]
    assert 60 < stage["length"] <= 512
    assert stage["devices"][0]["fits"]
    assert stage["trainable"] == next(row["parameters"] for row in value["ranks"] if row["rank"] == 2)


def test_what_is_asked_for_holds_in_place_of_what_the_recipe_says(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--adapter", "none", "--batch", "2", "--length", "64", "--checkpointing", "--bits", "16")
    value = estimated(capsys, "--project", project, *given)
    (stage,) = value["stages"]
    assert stage["trainable"] == value["base"]["parameters"]
    assert (stage["batch"], stage["length"], stage["gradient_checkpointing"]) == (2, 64, True)
    assert stage["devices"][0]["parts"]["gradients"] == 2 * stage["trainable"]


def test_a_larger_batch_of_the_recipe_takes_more(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = estimated(capsys, "--project", project)
    edit_recipe(project, {"training.0.batch": 16})
    large = estimated(capsys, "--project", project)
    parts = [value["stages"][0]["devices"][0]["parts"] for value in (small, large)]
    assert parts[0]["activations"] * 2 < parts[1]["activations"]
    assert parts[0]["weights"] == parts[1]["weights"]


def test_a_size_is_estimated_without_project_or_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    value = estimated(capsys, "--params", "7B", "--adapter", "qlora", "--ranks", "8,64", "--accelerator", "rtx-3060")
    *_, card = value["stages"][0]["devices"]
    assert (card["name"], card["fits"], card["bits"]) == ("rtx-3060", True, 16)
    assert 6e9 <= card["needs"] <= 10e9
    assert [row["parameters"] for row in value["ranks"]] == [19_988_480, 159_907_840]


def test_the_text_names_parts_devices_and_ranks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["estimate", "--params", "7b", "--adapter", "none", "--accelerator", "rtx-4090"]) == 0
    text = capsys.readouterr().out
    assert "6,738,415,616 parameters" in text
    assert all(part in text for part in ("weights", "gradients", "optimizer", "activations", "logits", "peak"))
    assert "rtx-4090" in text
    assert "no; with batch: 1, adapter: lora it takes" in text
    assert "19,988,480   0.297%" in text


def test_a_model_that_is_not_here_is_estimated_by_the_size_in_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    value = estimated(capsys, "--model", "someone/Llama-2-13b-chat")
    assert value["base"]["parameters"] == 13_015_864_320
    assert "HF_HUB_OFFLINE is set" in value["base"]["source"]


def test_a_model_that_cannot_be_known_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["estimate", "--model", "someone/something"]) == 1
    error = capsys.readouterr().err
    assert 'the shapes of "someone/something" cannot be had' in error
    assert "--params 7b" in error


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--params", "7b", "--model", "x"], "both --model and --params"),
        (["--params", "9b"], "Known: 1b, 3b, 7b"),
        (["--params", "7b", "--ranks", "8,x"], "is no list of ranks"),
        (["--params", "7b", "--accelerator", "abacus"], 'no accelerator named "abacus"'),
    ],
)
def test_wrong_use_is_told(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["estimate", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_without_project_and_model_the_ways_to_name_one_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["estimate", "--project", str(tmp_path)]) == 2
    assert "--params 7b" in capsys.readouterr().err


def test_a_recipe_without_training_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = yaml.safe_load((project / "assistant.yaml").read_text(encoding="utf-8"))
    (project / "assistant.yaml").write_text(yaml.safe_dump(recipe | {"training": []}), encoding="utf-8")
    assert run(["estimate", "--project", str(project)]) == 0
    assert "nothing is trained" in capsys.readouterr().out
