"""Examples and a project for the split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loresmith.project import Project
from loresmith.values import Example

Make = Callable[..., Example]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def example() -> Make:
    def make(
        question: str, *grounding: str, answer: str = "so it is", answerable: bool = True, place: str = ""
    ) -> Example:
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return Example.of(messages, grounding=grounding, answerable=answerable, place=place)  # type: ignore[arg-type]

    return make


@pytest.fixture
def examples(example: Make) -> list[Example]:
    """200 examples on 40 documents, one to nine each, and 40 that the documents do not answer."""
    grounded = [
        example(f"question {document} number {index} about {document * 7919 % 104729}", f"{document}.md")
        for document in range(40)
        for index in range(1 + document % 9)
    ]
    declined = [example(f"never heard {index * 104729 % 7919}", answerable=False) for index in range(40)]
    return [*grounded, *declined]
