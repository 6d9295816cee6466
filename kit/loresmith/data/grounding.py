"""Checks that the documents which examples rest on exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from loresmith.errors import DataError, Problem
from loresmith.values import Document, Example


def check_grounding(examples: Iterable[Example], documents: Iterable[Document]) -> None:
    """Check the grounding of all examples against the ids of the documents.

    Raises:
        DataError: With every example that names a document which is not there, and the nearest one that is.
    """
    known = {document.id for document in documents}
    hints: dict[str, str] = {}
    problems = []
    for example in examples:
        for wanted in example.grounding:
            if wanted not in known:
                if wanted not in hints:
                    hints[wanted] = _hint(wanted, known)
                problems.append(_problem(example, wanted, hints[wanted]))
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError(f"examples rest on documents that are not there: {count}", problems)


def _problem(example: Example, wanted: str, hint: str) -> Problem:
    file, _, line = example.place.rpartition(":")
    place = (file, int(line)) if line.isdecimal() else (example.place, 0)
    return Problem(f'there is no document "{wanted}"', file=place[0], line=place[1], key="grounding", hint=hint)


def _hint(wanted: str, known: set[str]) -> str:
    name = wanted.rsplit("/", 1)[-1]
    same_name = sorted(id_ for id_ in known if id_.rsplit("/", 1)[-1] == name)
    near = same_name[:1] or difflib.get_close_matches(wanted, sorted(known), n=1)
    if near:
        return f'Did you mean "{near[0]}"?'
    some = ", ".join(sorted(known)[:5])
    more = ", …" if len(known) > 5 else ""
    return f"Documents are named by their path under the source's root; there are {some}{more}."
