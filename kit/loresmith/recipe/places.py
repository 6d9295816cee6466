"""Where in a recipe the components stand, and what kind of plugin each place wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loresmith.options import Named
from loresmith.recipe.models import Base, Component, Stage
from loresmith.recipe.positions import KeyPath
from loresmith.specs import (
    ChunkerSpec,
    EmbedderSpec,
    EngineSpec,
    Gives,
    MethodSpec,
    MetricSpec,
    RerankerSpec,
    RetrieverSpec,
    SourceSpec,
    Spec,
    StoreSpec,
)


@dataclass(frozen=True, slots=True)
class ComponentPlace:
    """A component as it stands in a recipe that may be wrong elsewhere.

    Args:
        path: Key path of the component.
        name_path: Key path of its name, which is the component's own where it is only a name.
        gives: What a source at this place must give.
    """

    path: KeyPath
    name_path: KeyPath
    name: str
    options: dict[str, Any]
    spec_type: type[Spec]
    gives: Gives | None = None


PLACES: dict[tuple[str, ...], tuple[type[Spec], Gives | None]] = {
    ("engine",): (EngineSpec, None),
    ("knowledge", "sources"): (SourceSpec, "documents"),
    ("knowledge", "chunker"): (ChunkerSpec, None),
    ("knowledge", "embedder"): (EmbedderSpec, None),
    ("knowledge", "store"): (StoreSpec, None),
    ("knowledge", "retriever"): (RetrieverSpec, None),
    ("knowledge", "reranker"): (RerankerSpec, None),
    ("data", "examples"): (SourceSpec, "examples"),
    ("data", "preferences"): (SourceSpec, "preferences"),
    ("training",): (MethodSpec, None),
    ("evaluation", "metrics"): (MetricSpec, None),
}
"""Key path to the kind of plugin; a list there holds several."""

NAMED: Mapping[str, type[Spec]] = {"engine": EngineSpec, "metric": MetricSpec}
"""What the options of a component may name, and the kind of plugin that is."""


def wanted_at(path: KeyPath) -> tuple[type[Spec], Gives | None] | None:
    """Return the kind of plugin that a key path of a recipe wants; None where it wants none."""
    if path[:2] == ("knowledge", "bases") and len(path) == 4:
        path = ("knowledge", path[3])
    return PLACES.get(tuple(str(key) for key in path))


def component_places(recipe: Any) -> Iterator[ComponentPlace]:
    """Yield every component that is well enough formed to be looked at."""
    for path, (spec_type, gives) in _places(recipe):
        value = _at(recipe, path)
        entries: list[tuple[KeyPath, Any]] = [(path, value)]
        if isinstance(value, list):
            entries = [((*path, i), entry) for i, entry in enumerate(value)]
        for place, entry in entries:
            named = _named(entry, "method" if spec_type is MethodSpec else "kind")
            if named is not None:
                key, name, options = named
                yield ComponentPlace(place, (*place, key) if key else place, name, options, spec_type, gives)


def _places(recipe: Any) -> Iterator[tuple[tuple[str, ...], tuple[type[Spec], Gives | None]]]:
    """Yield the places of a recipe; each of its knowledge bases has those of one."""
    yield from PLACES.items()
    bases = _at(recipe, ("knowledge", "bases"))
    for name in bases if isinstance(bases, dict) else ():
        for part in Base.model_fields:
            if ("knowledge", part) in PLACES:
                yield ("knowledge", "bases", name, part), PLACES["knowledge", part]


def inner_place(place: ComponentPlace, named: Named) -> ComponentPlace:
    """Return the place of a component that the options of the one at `place` name."""
    path = (*place.path, *named.key)
    options = {key: value for key, value in named.component.items() if key != "kind"}
    return ComponentPlace(path, (*path, "kind"), str(named.component["kind"]), options, NAMED[named.wanted])


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _named(entry: Any, key: str) -> tuple[str, str, dict[str, Any]] | None:
    if isinstance(entry, str) and key == "kind":
        return "", entry, {}
    if isinstance(entry, dict) and isinstance(entry.get(key), str):
        own = Stage.model_fields if key == "method" else Component.model_fields
        return key, entry[key], {k: v for k, v in entry.items() if k not in own}
    return None
