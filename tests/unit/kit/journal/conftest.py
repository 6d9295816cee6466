"""A project with a journal, and answers to keep in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loresmith.project import Project
from loresmith.values import Answer, Citation, Trace

Say = Callable[..., Answer]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def say() -> Say:
    """Make an answer that cites the fares."""

    def made(text: str, rung: str = "rag") -> Answer:
        citation = Citation(1, "fares.md", 0, 12, "It costs 7.", supported=True)
        trace = Trace(question="?", query="how much", retrieved=[{"chunk": "fares.md#0", "score": 0.5}], refused="")
        return Answer(text, [citation], refused=False, rung=rung, trace=trace)

    return made
