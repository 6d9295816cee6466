"""Who offers what: the typed registry that plugins fill and recipes read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from loresmith import specs
from loresmith.errors import DuplicateName, PluginFailed, PluginNotFound

S = TypeVar("S", bound=specs.Spec)

KINDS: Mapping[str, type[specs.Spec]] = {
    "sources": specs.SourceSpec,
    "chunkers": specs.ChunkerSpec,
    "embedders": specs.EmbedderSpec,
    "stores": specs.StoreSpec,
    "retrievers": specs.RetrieverSpec,
    "rerankers": specs.RerankerSpec,
    "engines": specs.EngineSpec,
    "methods": specs.MethodSpec,
    "makers": specs.MakerSpec,
    "metrics": specs.MetricSpec,
    "exporters": specs.ExporterSpec,
    "tools": specs.ToolSpec,
    "recipes": specs.RecipeSpec,
    "screens": specs.ScreenSpec,
}
"""What can be registered, by the plural that names its hook (`register_<kind>`)."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A spec and the plugin that offers it."""

    kind: str
    spec: specs.Spec
    plugin: str


class Registry:
    """All specs of the plugins that loaded, by kind and name."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Registration] = {}
        self._failed: dict[str, str] = {}

    def commit(self, registrations: list[Registration]) -> None:
        """Take over one plugin's registrations, all or none.

        Raises:
            DuplicateName: If a name is taken, by another plugin or twice by this one.
        """
        seen: dict[tuple[str, str], Registration] = {}
        for entry in registrations:
            key = (entry.kind, entry.spec.name)
            holder = self._entries.get(key) or seen.get(key)
            if holder is not None:
                raise DuplicateName(
                    f'the name "{entry.spec.name}" of {entry.kind} is taken by plugin "{holder.plugin}"',
                    f"Disable one of the two, for example with --no-plugin {holder.plugin}.",
                )
            seen[key] = entry
        self._entries.update(seen)

    def note_failure(self, plugin: str, error: str) -> None:
        """Remember that `plugin` did not load, to name its error when a recipe wants something unknown."""
        self._failed[plugin] = error

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind, sorted."""
        return sorted(name for k, name in self._entries if k == kind)

    def of(self, spec_type: type[S]) -> Iterator[S]:
        """Yield all specs of a type, sorted by name."""
        for key in sorted(self._entries):
            spec = self._entries[key].spec
            if isinstance(spec, spec_type):
                yield spec

    def provided_by(self, plugin: str) -> dict[str, list[str]]:
        """Return what a plugin provides: kind to sorted names."""
        provides: dict[str, list[str]] = {}
        for kind, name in sorted(self._entries):
            if self._entries[kind, name].plugin == plugin:
                provides.setdefault(kind, []).append(name)
        return provides

    def get(self, spec_type: type[S], name: str) -> S:
        """Return the spec of that type and name.

        Raises:
            PluginFailed: If the name is unknown and a plugin of that name failed to load.
            PluginNotFound: If nobody offers the name.
        """
        kind = next(k for k, t in KINDS.items() if t is spec_type)
        entry = self._entries.get((kind, name))
        if entry is not None and isinstance(entry.spec, spec_type):
            return entry.spec
        raise self._missing(kind, name)

    def _missing(self, kind: str, name: str) -> PluginNotFound | PluginFailed:
        singular = kind.removesuffix("s")
        there = self.names(kind)
        near = difflib.get_close_matches(name, there, n=1)
        hint = f'Did you mean "{near[0]}"? ' if near else ""
        hint += f"Installed {kind}: {', '.join(there) or 'none'}."
        if self._failed:
            listed = "; ".join(f"{plugin}: {error}" for plugin, error in sorted(self._failed.items()))
            message = f'no {singular} named "{name}" is loaded, and not every plugin could be ({listed})'
            return PluginFailed(message, hint)
        return PluginNotFound(f'no {singular} named "{name}"', hint)
