"""A small project whose split is frozen, and replies that are drawn without a model; for a conftest to import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fake_parts import fake_assistant
from label_child import DrawingEngine
from loresmith.assistant.assistant import Assistant
from loresmith.data.freezing import freeze_split
from loresmith.host import PluginHost
from loresmith.labelling import drawing
from loresmith.project import Project
from small_project import write_project


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> DrawingEngine:
    """What replies whenever an assistant is opened to draw."""
    engine = DrawingEngine(lambda asked: f"reply {asked.split()[0]}")

    def opened(project: Any, recipe: Any, host: Any, rung: str, run: Any, **_: Any) -> Assistant:
        return fake_assistant(rung, engine)

    monkeypatch.setattr(drawing, "open_assistant", opened)
    return engine


@pytest.fixture(scope="session")
def host() -> PluginHost:
    return PluginHost()


@pytest.fixture
def unfrozen(tmp_path: Path) -> Project:
    for name in ("base", "embedder"):
        (tmp_path / name).mkdir()
    return Project.open(write_project(tmp_path / "desk", tmp_path / "base", tmp_path / "embedder"))


@pytest.fixture
def project(unfrozen: Project, host: PluginHost) -> Project:
    freeze_split(unfrozen, host, print)
    return unfrozen
