"""Everything that can be said of a project's data before anything is built: counts, problems, the split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from loresmith.data.grounding import check_grounding
from loresmith.data.kept import SIDES, Entry, Kept
from loresmith.data.leak import leak_check
from loresmith.data.reading import distinct, read_source
from loresmith.data.split import FrozenSplit, foreseen
from loresmith.errors import DataError, GateRefused, Problem
from loresmith.host import PluginHost
from loresmith.knowledge.bases import named_bases
from loresmith.project import Project
from loresmith.recipe.load import load_recipe
from loresmith.recipe.models import Component, Recipe
from loresmith.specs import Gives
from loresmith.values import Document, Example


@dataclass(frozen=True, slots=True)
class SourceFound:
    """What a source gave.

    Args:
        gives: What the recipe asks it for.
        kind: Its kind.
        path: Where it reads, if its options say so.
        count: How many it gave; none where a row is wrong.
        problems: How many problems there were.
    """

    gives: Gives
    kind: str
    path: str
    count: int
    problems: int


@dataclass(frozen=True, slots=True)
class DataFound:
    """What was found.

    Args:
        sources: The sources, in the recipe's order: documents, examples, preferences.
        problems: All problems.
        examples: The examples, each once.
        split: The split as it is frozen, or as it would be; None where it cannot be made.
        placed: By example id, where the split puts it; of one that no longer goes with the examples, where it did.
        frozen: Whether it is frozen.
        refused: Why the examples no longer go with the frozen split, or that it leaks; empty if all is well.
    """

    sources: Sequence[SourceFound]
    problems: Sequence[Problem]
    examples: Sequence[Example]
    split: FrozenSplit | None
    placed: Mapping[str, Entry]
    frozen: bool
    refused: str

    def to_json(self) -> dict[str, Any]:
        """Return the object that `data check --json` prints."""
        return {
            "sources": [asdict(source) for source in self.sources],
            "problems": [asdict(problem) for problem in self.problems],
            "split": split_json(self.split) if self.split else None,
            "frozen": self.frozen,
            "refused": self.refused,
        }


def check_data(project: Project, host: PluginHost) -> DataFound:
    """Read all data and look at the split; nothing is written, and no model is loaded.

    Raises:
        RecipeError: If the recipe is wrong.
    """
    recipe = load_recipe(project.recipe, host.registry)
    reading = _Reading(project, host)
    documents, examples = _documents(reading, recipe), _examples(reading, recipe)
    reading.sources_of(recipe.data.preferences, "preferences")
    if documents and examples:
        reading.attempt(lambda: check_grounding(examples, documents))
    found = DataFound(reading.counted(), reading.problems, examples, None, {}, project.split.exists(), "")
    if not examples or any(source.problems for source in reading.sources if source.gives == "examples"):
        return found  # of some of the examples it would say that the others are gone
    try:
        return _with_split(found, project, recipe)
    except DataError as error:
        return replace(found, problems=[*found.problems, *error.problems])


def strata(examples: Sequence[Example]) -> dict[str, int]:
    """Return how many examples the documents answer, and how many they do not."""
    answerable = sum(example.answerable for example in examples)
    return {"answerable": answerable, "unanswerable": len(examples) - answerable}


def split_json(split: FrozenSplit) -> dict[str, Any]:
    """Return the sides of a split by their counts, and what is to be known of it."""
    sides: dict[str, Any] = {side: len(getattr(split, side)) for side in SIDES}
    by_stratum = {side: strata(getattr(split, side)) for side in SIDES}
    return {
        **sides,
        "strata": by_stratum,
        "groups": split.groups,
        "fingerprint": split.fingerprint,
        "remarks": list(split.remarks),
    }


@dataclass(slots=True)
class _Reading:
    """Reads sources one by one, and collects what is wrong."""

    project: Project
    host: PluginHost
    sources: list[SourceFound] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def sources_of(self, components: Sequence[Component], gives: Gives) -> list[Any]:
        """Return all that sources give."""
        found: list[Any] = []
        for component in components:
            before = len(self.problems)
            rows = self._read(component, gives)
            path = str(component.options.get("path", ""))
            self.sources.append(SourceFound(gives, component.kind, path, len(rows), len(self.problems) - before))
            found += rows
        if not found and components and not any(s.problems for s in self.sources if s.gives == gives):
            self.problems.append(Problem(f"the sources give no {gives}", key=gives))
        return found

    def counted(self) -> list[SourceFound]:
        """Return the sources, each with all problems of its file, also those that are seen beside others alone."""
        by_file = Counter(problem.file for problem in self.problems)
        return [replace(each, problems=max(each.problems, by_file[each.path or " "])) for each in self.sources]

    def attempt(self, work: Callable[[], object]) -> None:
        """Do something, and keep its problems."""
        try:
            work()
        except DataError as error:
            self.problems += error.problems

    def _read(self, component: Component, gives: Gives) -> list[Any]:
        try:
            return read_source(self.host.registry, component, self.project.root, gives)
        except DataError as error:
            self.problems += error.problems
            return []


def _documents(reading: _Reading, recipe: Recipe) -> list[Document]:
    documents: list[Document] = []
    for base in named_bases(recipe.knowledge, reading.project.index):
        found = reading.sources_of(base.base.sources or [], "documents")
        documents += [replace(each, id=f"{base.name}/{each.id}") for each in found] if base.name else found
    reading.attempt(lambda: distinct(documents))
    return documents


def _examples(reading: _Reading, recipe: Recipe) -> list[Example]:
    found: list[Example] = reading.sources_of(recipe.data.examples, "examples")
    return list({example.id: example for example in found}.values())


def _with_split(found: DataFound, project: Project, recipe: Recipe) -> DataFound:
    try:
        split, kept = foreseen(project, found.examples, recipe.data.split)
    except GateRefused as error:
        return replace(found, placed=Kept.read(project.split).entries, refused=str(error))
    leak = leak_check(split)
    said = f"the split leaks: {leak.exact} equal and {leak.near} nearly equal questions on two sides"
    return replace(found, split=split, placed=kept.entries, refused=said if leak.pairs else "")
