"""Writes a recipe out in full, as a run keeps it: every default spelled out."""

from __future__ import annotations

from typing import Any

import yaml

from loresmith.recipe.models import Recipe
from loresmith.recipe.places import ComponentPlace, component_places
from loresmith.registry import Registry


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, as people do."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dump_recipe(recipe: Recipe, registry: Registry) -> str:
    """Return the recipe as YAML, with the defaults of the recipe and of every component's options.

    Raises:
        PluginNotFound, PluginFailed: If a component's plugin is not loaded.
    """
    value = recipe.model_dump(mode="json")
    for place in component_places(value):
        _set(value, place, registry)
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def _set(value: Any, place: ComponentPlace, registry: Registry) -> None:
    options = registry.get(place.spec_type, place.name).options.model_validate(place.options)
    *around, last = place.path
    for key in around:
        value = value[key]
    named = value[last] if isinstance(value[last], dict) else {"kind": place.name}
    own = {key: entry for key, entry in named.items() if key not in place.options}
    value[last] = own | options.model_dump(mode="json")
