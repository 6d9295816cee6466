"""`loresmith doctor` and the way to the terminal app."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from loresmith import doctor
from loresmith.cli.main import run as loresmith
from loresmith.estimate.devices import Device
from loresmith.host import PluginHost
from loresmith.specs import MethodSpec


def test_it_says_what_is_here_and_what_each_method_can_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loresmith(["doctor", "--json", "--project", str(tmp_path), "--no-plugin", "raft"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["cores"] >= 1
    assert {extra["name"]: extra["missing"] for extra in found["extras"]} == {"train": [], "rag": [], "tui": []}
    assert [each["name"] for each in found["plugins"] if each["state"] == "disabled"] == ["raft"]
    methods = {method["name"]: method["devices"][0]["largest"] for method in found["methods"]}
    assert set(methods["sft"]) == {"none", "lora", "qlora"}
    assert loresmith(["doctor", "--project", str(tmp_path), "--no-plugin", "raft"]) == 0
    out = capsys.readouterr().out
    assert "raft: disabled" in out
    assert "smollm2-135m (chat): not fetched yet" in out


def test_a_library_that_is_missing_is_named_with_what_brings_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["nowhere-to-be-found>=1; extra == 'tui'", "click; extra == 'rag'", "click"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: lines)
    assert loresmith(["doctor", "--project", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert 'tui: lacks nowhere-to-be-found: pip install "loresmith[tui]"' in out
    assert "rag: all there" in out


def test_more_memory_trains_larger_models(host: PluginHost) -> None:
    devices = [Device(f"{gib}", "cuda", gib * 2**30) for gib in (1, 24, 80)]
    found = doctor._method(host.registry.get(MethodSpec, "sft"), devices)
    sizes = [device["largest"]["lora"] for device in found["devices"]]
    assert sizes[0] == ""
    assert float(sizes[1].rstrip("b")) < float(sizes[2].rstrip("b"))


def test_without_textual_the_app_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("textual", "loresmith_tui")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)
    assert loresmith(["tui", "--project", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "textual is not installed" in err
    assert 'pip install "loresmith[tui]"' in err
