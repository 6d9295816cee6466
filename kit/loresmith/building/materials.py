"""Everything a build needs, read and checked before it changes anything: recipe, documents, examples, base model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from loresmith.data.grounding import check_grounding
from loresmith.data.reading import read_examples, read_preferences
from loresmith.errors import DataError, Problem
from loresmith.host import PluginHost
from loresmith.knowledge.bases import read_all
from loresmith.modelstore.store import ModelStore, Report
from loresmith.project import Project
from loresmith.recipe.load import load_recipe
from loresmith.recipe.models import Recipe
from loresmith.values import Document, Example, Preference

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Materials:
    """What a build is made from.

    Args:
        base: Folder of the base model.
        resolve_model: Gives the folder of an embedding model by its name.
        resolve_chat_model: Gives the folder of a chat model by its name.
    """

    project: Project
    host: PluginHost
    recipe: Recipe
    documents: Sequence[Document]
    examples: Sequence[Example]
    preferences: Sequence[Preference]
    base: Path
    resolve_model: Callable[[str], Path]
    resolve_chat_model: Callable[[str], Path]


def gather(project: Project, host: PluginHost, report: Report) -> Materials:
    """Read and check everything, and fetch the base model if it is not here.

    Raises:
        RecipeError: With every problem of the recipe.
        DataError: With every problem of documents, examples and preferences together.
        ModelError: If the base model cannot be had or used.
    """
    recipe = load_recipe(project.recipe, host.registry)
    documents, examples, preferences = _read(project, host, recipe)
    store = ModelStore.for_host(host, project.root)
    base = store.path(recipe.base, "chat", report)
    embedding, chat = (partial(store.path, kind=kind, progress=report) for kind in ("embedding", "chat"))
    return Materials(project, host, recipe, documents, examples, preferences, base, embedding, chat)


def _read(project: Project, host: PluginHost, recipe: Recipe) -> tuple[list[Document], list[Example], list[Preference]]:
    problems: list[Problem] = []

    def attempt(read: Callable[[], list[T]]) -> list[T]:
        try:
            return read()
        except DataError as error:
            problems.extend(error.problems)
            return []

    registry, root = host.registry, project.root
    documents = attempt(lambda: read_all(recipe.knowledge, registry, root))
    examples = attempt(lambda: read_examples(registry, recipe.data.examples, root))
    preferences = attempt(lambda: read_preferences(registry, recipe.data.preferences, root))
    if documents and examples:
        try:
            check_grounding(examples, documents)
        except DataError as error:
            problems.extend(error.problems)
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError(f"the project's data are wrong: {count}", problems)
    return documents, examples, preferences
