"""Fixtures of a small project that is built once in a session; a conftest that wants them imports them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import CommandLine, Ended
from small_project import copied, write_project
from tiny_embedder import tiny_embedder
from tiny_models import write_chat_model


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a chat model `base` and an embedding model `embedder`."""
    folder = tmp_path_factory.mktemp("models")
    write_chat_model(folder / "base", window=2048)
    tiny_embedder(folder / "embedder")
    return folder


@pytest.fixture(scope="session")
def written(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project before anything is done with it; not to be changed."""
    return write_project(tmp_path_factory.mktemp("written") / "desk", models / "base", models / "embedder")


@pytest.fixture(scope="session")
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What `tmp_home` does for a test, for what is made once in a session."""
    home = str(tmp_path_factory.mktemp("session-home"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HOME": home, "XDG_CACHE_HOME": home, "HF_HUB_OFFLINE": "1"}.items():
            patch.setenv(name, value)
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        patch.delenv("LORESMITH_DISABLE_PLUGINS", raising=False)
        # Two cores are shared by all that runs; and so small products are slower on two.
        patch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
        yield


@pytest.fixture(scope="session")
def built(written: Path, session_home: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """A built project, not to be changed, and what `build --json` said."""
    project = copied(written, tmp_path_factory.mktemp("built") / "desk", state=False)
    return project, CommandLine(tmp_path_factory.mktemp("logs")).run("build", "--json", "--project", project)
