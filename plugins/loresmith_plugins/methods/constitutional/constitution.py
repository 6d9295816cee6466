"""The constitution: the principles that replies are held against, read from a file that people write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from loresmith.errors import DataError, Problem
from loresmith.options import Options
from loresmith.recipe.positions import Tree, key_path, read_tree
from loresmith.recipe.wording import Finding, findings, nearest

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Demonstration(Options):
    """One turn of critique and revision as it should go."""

    prompt: Text = Field(description="What a user asks")
    reply: Text = Field(description="A reply that offends against the principle")
    critique: Text = Field(description="What the critic says of it")
    revision: Text = Field(description="The reply as it should be")


class Principle(Options):
    """What replies should be like, as requests to the critic."""

    name: Text = Field(description="Name, which reports and the journal use")
    critique: Text = Field(description="Request to say how a reply offends against it")
    revision: Text = Field(description="Request to write the reply anew")
    preference: Text | None = Field(default=None, description="Question of two replies: which one keeps to it?")
    demonstrations: list[Demonstration] = Field(default=[], description="Turns shown to the critic first")


class Constitution(Options):
    """All principles, and what the critic is told before any of them."""

    instructions: Text = Field(
        default="You check the replies of an assistant: you say what is wrong with them, and write better ones.",
        description="System prompt of the critic",
    )
    principles: list[Principle] = Field(min_length=1, description="The principles, of which each round draws one")

    @property
    def preferring(self) -> list[Principle]:
        """The principles that have a question of two replies."""
        return [principle for principle in self.principles if principle.preference]


def read_constitution(root: Path, name: str) -> Constitution:
    """Read the constitution in the file `name`, relative to the project folder `root`.

    Raises:
        DataError: With every problem: file, line, key path, what is wrong and the nearest valid name.
    """
    path = root / Path(name).expanduser()
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise DataError("there is no constitution to read", [Problem(what, name, hint=_beside(path))]) from error
    tree = read_tree(raw, name, "constitution")
    constitution, found = _checked(tree) if tree.value is not None else (None, [])
    placed = [Problem(f.what, name, tree.line(f.path), key_path(f.path), f.hint) for f in found]
    problems = sorted([*tree.problems, *placed], key=lambda problem: (problem.line, problem.key))
    if problems or constitution is None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError(f"the constitution is wrong: {count}", problems)
    return constitution


def require_preferring(constitution: Constitution, name: str) -> None:
    """Refuse a constitution that nothing can be preferred by.

    Raises:
        DataError: If no principle has a `preference` question.
    """
    if not constitution.preferring:
        raise DataError(
            "the stage labels preferences, and no principle says how",
            [Problem("no principle has a preference question", name, key="principles")],
            'Give one or more of them a `preference`, such as "Which reply ...?", or set `phase: critique`.',
        )


def _beside(path: Path) -> str:
    names = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    return nearest(path.name, names) or f'It is looked for in "{path.parent.name}".'


def _checked(tree: Tree) -> tuple[Constitution | None, list[Finding]]:
    constitution, found = None, list(_twice(tree.value))
    try:
        constitution = Constitution.model_validate(tree.value)
    except ValidationError as error:
        found += findings(error, Constitution, tree.value)
    return constitution, found


def _twice(value: dict[str, object]) -> Iterator[Finding]:
    """Find names that two principles share: in the records of a stage they could not be told apart."""
    entries = value.get("principles")
    seen: set[str] = set()
    for i, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and name.strip() in seen:
            yield Finding(("principles", i, "name"), f'"{name.strip()}" is the name of another principle too')
        if isinstance(name, str):
            seen.add(name.strip())
