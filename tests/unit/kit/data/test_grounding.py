from __future__ import annotations

import pytest

from loresmith.data.grounding import check_grounding
from loresmith.errors import DataError, Problem
from loresmith.values import Document, Example

DOCUMENTS = [Document(id_, "text") for id_ in ("fares.md", "routes/red.md", "dogs.md")]


def example(*grounding: str, place: str = "data/x.jsonl:7") -> Example:
    talk = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    return Example.of(talk, grounding=grounding, place=place)  # type: ignore[arg-type]


def problems(*examples: Example) -> tuple[Problem, ...]:
    with pytest.raises(DataError) as caught:
        check_grounding(examples, DOCUMENTS)
    return caught.value.problems


def test_documents_that_are_there_are_fine() -> None:
    check_grounding([example("fares.md", "routes/red.md"), example()], DOCUMENTS)


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("fare.md", 'Did you mean "fares.md"?'),
        ("red.md", 'Did you mean "routes/red.md"?'),
        ("docs/dogs.md", 'Did you mean "dogs.md"?'),
        (
            "zzz",
            "Documents are named by their path under the source's root; there are dogs.md, fares.md, routes/red.md.",
        ),
    ],
)
def test_a_missing_document_is_named_with_its_place_and_the_nearest(wanted: str, hint: str) -> None:
    (problem,) = problems(example("fares.md", wanted))
    assert problem == Problem(f'there is no document "{wanted}"', "data/x.jsonl", 7, "grounding", hint)


def test_all_of_them_are_reported_together() -> None:
    found = problems(example("a", "b"), example("fares.md"), example("c", place="elsewhere"))
    assert [(p.file, p.line) for p in found] == [("data/x.jsonl", 7), ("data/x.jsonl", 7), ("elsewhere", 0)]
