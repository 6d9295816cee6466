"""Reads a recipe and reports everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loresmith.errors import PluginError, Problem, RecipeError
from loresmith.options import Options
from loresmith.recipe.models import Recipe
from loresmith.recipe.places import ComponentPlace, component_places, inner_place
from loresmith.recipe.positions import Tree, key_path, read_tree
from loresmith.recipe.wording import Finding, findings, nearest
from loresmith.registry import Registry
from loresmith.specs import SourceSpec


@dataclass(frozen=True, slots=True)
class Checked:
    """A recipe's text, looked at.

    Args:
        recipe: The recipe; None where its keys or their types are wrong.
        problems: Everything that is wrong, in the order of the file.
        tree: The text as plain values, with the line of each.
    """

    recipe: Recipe | None
    problems: tuple[Problem, ...]
    tree: Tree


def load_recipe(path: Path, registry: Registry) -> Recipe:
    """Read the recipe at `path` and check it against the plugins that are loaded.

    Raises:
        RecipeError: With every problem: file, line, key path, what is wrong and the nearest valid name.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        what = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise RecipeError("there is no recipe to read", [Problem(what, shown_path(path))]) from error
    checked = check_recipe(raw, path, registry)
    if checked.problems or checked.recipe is None:
        count = f"{len(checked.problems)} problem{'s' if len(checked.problems) > 1 else ''}"
        raise RecipeError(f"the recipe is wrong: {count}", checked.problems)
    return checked.recipe


def check_recipe(raw: bytes, path: Path, registry: Registry) -> Checked:
    """Check the text of a recipe that stands, or is to stand, at `path`; nothing is raised, all is reported."""
    file = shown_path(path)
    tree = read_tree(raw, file)
    recipe, found = _checked(tree, registry, path.parent) if tree.value is not None else (None, [])
    placed = [_placed(each, file, tree) if isinstance(each, Finding) else each for each in found]
    problems = sorted([*tree.problems, *placed], key=lambda problem: (problem.file != file, problem.line, problem.key))
    return Checked(recipe, tuple(problems), tree)


def _placed(finding: Finding, file: str, tree: Tree) -> Problem:
    return Problem(finding.what, file, tree.line(finding.path), key_path(finding.path), finding.hint)


def shown_path(path: Path) -> str:
    """Return a path as a user would name it: relative to here if it lies below."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)


def _checked(tree: Tree, registry: Registry, root: Path) -> tuple[Recipe | None, list[Finding | Problem]]:
    found: list[Finding | Problem] = []
    recipe = None
    try:
        recipe = Recipe.model_validate(tree.value)
    except ValidationError as error:
        found += findings(error, Recipe, tree.value)
    # A recipe that is whole is looked at with its defaults, which name plugins too.
    for place in component_places(recipe.model_dump() if recipe else tree.value):
        found += _component(place, registry, root)
    found += _base(tree.value.get("base"), root)
    return recipe, found


def _component(place: ComponentPlace, registry: Registry, root: Path) -> Iterator[Finding | Problem]:
    """Find what is wrong with one component: its name, its options, the components and the files these name."""
    try:
        spec = registry.get(place.spec_type, place.name)
    except PluginError as error:
        yield Finding(place.name_path, error.message, error.hint)
        return
    if isinstance(spec, SourceSpec) and place.gives and place.gives not in spec.gives:
        given = " and ".join(sorted(spec.gives))
        able = ", ".join(s.name for s in registry.of(SourceSpec) if place.gives in s.gives) or "none"
        yield Finding(place.name_path, f'"{spec.name}" gives {given}, not {place.gives}', f"Those that do: {able}.")
        return
    try:
        options = spec.options.model_validate(place.options)
    except ValidationError as error:
        for finding in findings(error, spec.options, place.options):
            yield replace(finding, path=(*place.path, *finding.path))
    else:
        yield from _inner(place, options, registry, root)
    if isinstance(spec, SourceSpec):
        yield from _files(place, root)


def _inner(place: ComponentPlace, options: Options, registry: Registry, root: Path) -> Iterator[Finding | Problem]:
    """Find what is wrong with what options name."""
    for named in options.named():
        yield from _component(inner_place(place, named), registry, root)
    for problem in options.problems(root):
        path = (*place.path, *filter(None, problem.key.split(".")))
        yield problem if problem.file else Finding(path, problem.what, problem.hint)


def _files(place: ComponentPlace, root: Path) -> Iterator[Finding]:
    named = place.options.get("path")
    if not isinstance(named, str):
        return
    wanted = root / Path(named).expanduser()
    if not wanted.exists():
        beside = sorted(entry.name for entry in wanted.parent.iterdir()) if wanted.parent.is_dir() else []
        hint = nearest(wanted.name, beside) or f'It is looked for in "{shown_path(root)}".'
        yield Finding((*place.path, "path"), f'there is no file or folder "{named}"', hint)


def _base(base: Any, root: Path) -> Iterator[Finding]:
    if isinstance(base, str) and base.startswith((".", "/", "~")) and not (root / Path(base).expanduser()).is_dir():
        yield Finding(("base",), f'there is no model folder "{base}"', f'It is looked for in "{shown_path(root)}".')
