"""Tiny models for the tests of what computes; made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_models import write_adapter, write_chat_model


@pytest.fixture(scope="session")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a chat model with random weights. Only to be read."""
    return write_chat_model(tmp_path_factory.mktemp("models") / "chat")


@pytest.fixture(scope="session")
def adapters(tmp_path_factory: pytest.TempPathFactory, chat_model: Path) -> tuple[Path, Path]:
    """Two adapters for `chat_model` with random weights. Only to be read."""
    folder = tmp_path_factory.mktemp("adapters")
    return write_adapter(folder / "one", chat_model, 1), write_adapter(folder / "two", chat_model, 2)
