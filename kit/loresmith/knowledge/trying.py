"""Settings of the search tried on a question, beside the recipe: what they find, and what they move.

They are named as under `knowledge` in a recipe: `retriever.k`, `reranker.floor`, `queries.multi`, `injection`. What the
index is made of cannot be tried without another index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from loresmith.errors import Problem, RecipeError, UsageError
from loresmith.files import write_text
from loresmith.knowledge.bases import named_bases
from loresmith.project import Project
from loresmith.recipe.components import resolve
from loresmith.recipe.edit import with_values
from loresmith.recipe.form import Row, form_of
from loresmith.recipe.models import Base, Component, Knowledge, Recipe
from loresmith.recipe.positions import KeyPath, key_path
from loresmith.recipe.wording import findings, nearest
from loresmith.registry import Registry
from loresmith.specs import RerankerSpec, RetrieverSpec
from loresmith.values import Hit

SPECS = {"retriever": RetrieverSpec, "reranker": RerankerSpec}
OF_SEARCH = ("retriever", "reranker", "queries", "injection")
"""Parts of `knowledge` that say how the index is searched."""

Settings = Mapping[KeyPath, Any]
"""Key path under `knowledge` to value."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A hit of a search: its place under other settings and its place under the recipe's; 0 where it is none there."""

    document: str
    chunk: str
    start: int
    end: int
    now: int
    was: int

    def to_json(self) -> dict[str, Any]:
        """Return the object that `search --set --json` prints."""
        return asdict(self)


def read_settings(words: Iterable[str]) -> dict[KeyPath, Any]:
    """Read settings as a person writes them: `retriever.k=8`, the value in YAML.

    Raises:
        UsageError: If one is no setting of the search.
    """
    settings: dict[KeyPath, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        path = tuple(part.strip() for part in name.split("."))
        if not equals or not all(path):
            raise UsageError(f'"{word}" sets nothing', "Write a name and a value: retriever.k=8.")
        _check_part(path[0])
        try:
            settings[path] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UsageError(f'"{value}" is no value for {name}', "Write it as in a recipe.") from error
    return settings


def tried(recipe: Recipe, settings: Settings, registry: Registry, base: str | None = None) -> Recipe:
    """Return the recipe with other settings of the search, checked.

    Args:
        recipe: The recipe.
        settings: What to change; another `kind` begins with that kind's defaults.
        registry: Who offers the parts.
        base: The knowledge base whose retriever is meant; the one without a name if not given.

    Raises:
        RecipeError: If they are wrong.
        PluginNotFound, PluginFailed: If no loaded plugin offers a kind.
        UsageError: If there is no such base, or no such part of it.
    """
    if base:
        named_bases(recipe.knowledge, Path(), base)
    section = recipe.knowledge.model_dump()
    target = section["bases"][base] if base else section
    for path in settings:
        if path[0] not in target:
            raise UsageError(f'a knowledge base with a name has no "{path[0]}"', "Set it for all: without --base.")
    for path, value in _in_order(settings):
        _set(target, path, value)
    knowledge = _validated(section)
    for part, spec in SPECS.items():
        component: Component | None = getattr(knowledge.bases[base] if base else knowledge, part, None)
        if component:
            resolve(registry, spec, component)
    return recipe.model_copy(update={"knowledge": knowledge})


def settings_form(recipe: Recipe, settings: Settings, registry: Registry, base: str | None = None) -> list[Row]:
    """Return the rows of a form of the settings; those that are tried count as given, and their paths are short.

    Args:
        recipe: The recipe.
        settings: What is tried; it may be wrong.
        registry: Who offers the parts.
        base: The knowledge base that is meant; the one without a name if not given.
    """
    section = recipe.knowledge.model_dump()
    target = section["bases"][base] if base else section
    for path, value in _in_order(settings):
        with suppress(UsageError):
            _set(target, path, value)
    at: KeyPath = ("knowledge", "bases", base) if base else ("knowledge",)
    rows = form_of({"knowledge": section}, registry)
    inside = [row for row in rows if row.path[: len(at)] == at and row.path[len(at) :][:1] in [(p,) for p in OF_SEARCH]]
    return [_shortened(row, len(at), settings) for row in inside]


def _shortened(row: Row, by: int, settings: Settings) -> Row:
    path = row.path[by:]
    given = path in settings or (path[0], "kind") in settings
    return replace(row, path=path, depth=row.depth - by, given=given)


def write_settings(project: Project, recipe: Recipe, settings: Settings, base: str | None = None) -> None:
    """Write settings that were tried into the project's recipe; comments and order stay.

    Args:
        project: The project.
        recipe: Its recipe with the settings, as `tried` returned it.
        settings: The settings.
        base: The knowledge base that they are of.

    Raises:
        RecipeError: If the recipe is written in a way that cannot be changed.
    """
    text = project.recipe.read_bytes().decode("utf-8-sig")
    at: KeyPath = ("knowledge", "bases", base) if base else ("knowledge",)
    written = yaml.safe_load(text)
    for key in at:
        written = written[key]
    section = recipe.knowledge.bases[base] if base else recipe.knowledge
    values: dict[KeyPath, Any] = {}
    for path, value in settings.items():
        whole = path[0] in SPECS and (path[0] not in written or (path[0], "kind") in settings)
        # The options of another kind would be left over, and options alone make no component.
        values |= {(*at, path[0]): getattr(section, str(path[0])).model_dump()} if whole else {(*at, *path): value}
    write_text(project.recipe, with_values(text, values))


def moved(before: Sequence[Hit], after: Sequence[Hit]) -> list[Moved]:
    """Return the hits under other settings in their order, each with its place before, then those that are lost."""
    was = {hit.chunk.id: place for place, hit in enumerate(before, 1)}
    now = {hit.chunk.id: place for place, hit in enumerate(after, 1)}
    every = [*after, *(hit for hit in before if hit.chunk.id not in now)]
    return [
        Moved(hit.chunk.document, hit.chunk.id, hit.chunk.start, hit.chunk.end, now.get(id_, 0), was.get(id_, 0))
        for hit in every
        for id_ in [hit.chunk.id]
    ]


def _check_part(name: str) -> None:
    if name in OF_SEARCH:
        return
    if name in Base.model_fields:
        raise UsageError(f'"{name}" shapes the index', "Change it in the recipe, then run `loresmith index`.")
    raise UsageError(
        f'there is no "{name}" to set',
        f"{nearest(name, OF_SEARCH)} Settings begin with {', '.join(OF_SEARCH)}.".strip(),
    )


def _in_order(settings: Settings) -> list[tuple[KeyPath, Any]]:
    """Return the settings, those first that name a component: its options begin anew with it."""
    return sorted(settings.items(), key=lambda item: item[0][1:] != ("kind",))


def _set(target: dict[str, Any], path: KeyPath, value: Any) -> None:
    if path[1:] == ("kind",):
        target[str(path[0])] = {"kind": value}
        return
    for key in path[:-1]:
        inner = target.get(str(key))
        if not isinstance(inner, dict):
            hint = "Set its kind too." if key in SPECS else "Give it as a whole."
            raise UsageError(f'"{key_path(path)}" cannot be set: there is no {key} to change', hint)
        target = inner
    target[str(path[-1])] = value


def _validated(section: dict[str, Any]) -> Knowledge:
    try:
        return Knowledge.model_validate(section)
    except ValidationError as error:
        problems = [Problem(f.what, key=key_path(f.path), hint=f.hint) for f in findings(error, Knowledge, section)]
        raise RecipeError("these settings are wrong", problems) from error
