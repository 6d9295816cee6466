"""A teacher of the student's own family; made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill_stage import write_teacher


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory, chat_model: Path) -> Path:
    """The folder of a model that replies in capitals. Only to be read."""
    return write_teacher(tmp_path_factory.mktemp("teacher"), chat_model)
