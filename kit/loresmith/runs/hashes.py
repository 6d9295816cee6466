"""The hashes by which a run knows what it was made of, and a resumed build what it need not do again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from loresmith.filehashes import remembered_hashes
from loresmith.files import folder_hash
from loresmith.recipe.dump import dump_recipe
from loresmith.recipe.models import Recipe
from loresmith.registry import Registry
from loresmith.runs.rows import jsonable
from loresmith.values import Example, Preference, Weights, content_hash


def value_hash(value: Any) -> str:
    """Return the hex SHA-256 of a value as canonical JSON: the order of keys does not matter, that of lists does."""
    return content_hash(json.dumps(jsonable(value), sort_keys=True, separators=(",", ":"), allow_nan=False))


def recipe_hash(recipe: Recipe, registry: Registry) -> str:
    """Return the hash of a recipe in full; comments, the order of keys and spelled-out defaults do not matter.

    Raises:
        PluginNotFound, PluginFailed: If a component's plugin is not loaded.
    """
    import yaml

    return value_hash(yaml.safe_load(dump_recipe(recipe, registry)))


def data_hash(rows: Iterable[Example | Preference]) -> str:
    """Return the hash of examples or preferences, in their order, with all that training sees of them.

    Where they were read from does not count.
    """
    return content_hash(*(value_hash({**_fields(row), "place": ""}) for row in rows))


def _fields(row: Example | Preference) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def base_hash(folder: Path) -> str:
    """Return the hash of a model's folder.

    What was read before is remembered in the user's cache folder by size and time of change, so that hundreds of
    megabytes are read once and not at every start.
    """
    with remembered_hashes(folder) as hash_of:
        return folder_hash(folder, hash_of=hash_of)


def weights_hash(weights: Weights) -> str:
    """Return the hash of what was trained on top of the base."""
    return content_hash(
        base_hash(weights.model) if weights.model else "", folder_hash(weights.adapter) if weights.adapter else ""
    )
