"""The plugin host: finds plugins, loads each behind its own guard, and fills the registry.

Built-in plugins are entry points like any other. A plugin that fails is reported and left out; the others work.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from traceback import walk_tb
from typing import Any, Literal

import pluggy

from loresmith import hooks
from loresmith.errors import LoresmithError, PluginIncompatible
from loresmith.registry import KINDS, Registration, Registry

State = Literal["loaded", "disabled", "incompatible", "failed"]
DISABLE_VARIABLE = "LORESMITH_DISABLE_PLUGINS"
HOOKS = sorted(name for name, value in vars(hooks).items() if hasattr(value, f"{hooks.PROJECT}_spec"))
"""The names of all hooks."""


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """What became of one plugin."""

    name: str
    distribution: str
    version: str
    state: State
    error: str = ""
    provides: dict[str, list[str]] = field(default_factory=dict)
    hears: tuple[str, ...] = ()

    @property
    def offers(self) -> str:
        """What it provides, and which behaviour hooks it hears, in words; empty if neither."""
        parts = [f"{kind}: {', '.join(names)}" for kind, names in self.provides.items()]
        return "; ".join([*parts, *([f"hooks: {', '.join(self.hears)}"] if self.hears else [])])


class PluginHost:
    """Loads plugins and holds what they registered.

    Args:
        disabled: Names of plugins to leave out; `*` leaves out all.
        points: Entry points to load; those installed if not given.
    """

    def __init__(self, disabled: Iterable[str] = (), points: Iterable[EntryPoint] | None = None) -> None:
        self.registry = Registry()
        self._disabled = {name.strip() for name in disabled if name.strip()}
        self._statuses: dict[str, PluginStatus] = {}
        self._manager = pluggy.PluginManager(hooks.PROJECT)
        self._manager.add_hookspecs(hooks)
        self._staged: list[Registration] = []
        self._loading = ""
        self._grumbled: set[tuple[str, str]] = set()
        for kind in KINDS:
            getattr(self._manager.hook, f"register_{kind}").call_historic(
                kwargs={"register": partial(self._stage, kind)}
            )
        for point in sorted(installed_plugins() if points is None else points, key=_load_order):
            self._load(point)

    @classmethod
    def from_environment(cls, disabled: Iterable[str] = ()) -> PluginHost:
        """Make the host of a command: what is installed, less what the user disabled."""
        return cls([*disabled, *os.environ.get(DISABLE_VARIABLE, "").split(",")])

    @property
    def hook(self) -> Any:
        """The hook caller, for behaviour hooks."""
        return self._manager.hook

    @property
    def statuses(self) -> list[PluginStatus]:
        """What became of every plugin, by name."""
        return [self._statuses[name] for name in sorted(self._statuses)]

    @property
    def failures(self) -> list[PluginStatus]:
        """The plugins that were wanted and did not load."""
        return [status for status in self.statuses if status.state in ("failed", "incompatible")]

    def add(self, plugin: object, name: str, distribution: str = "", version: str = "") -> PluginStatus:
        """Load a plugin object by hand, with the same guard as an installed one."""
        return self._guarded(name, distribution, version, lambda: plugin)

    def observe(self, hook: str, **arguments: Any) -> None:
        """Call a behaviour hook, each plugin behind its own guard: one that raises is reported once on stderr."""
        listeners = [impl.plugin for impl in getattr(self._manager.hook, hook).get_hookimpls()]
        for plugin in listeners:
            caller = self._manager.subset_hook_caller(hook, [other for other in listeners if other is not plugin])
            try:
                with redirect_stdout(sys.stderr):
                    caller(**arguments)
            # A plugin that looks on is foreign code: what it raises must not end the work it looks at.
            except Exception as error:  # noqa: BLE001
                self._grumble(self._manager.get_name(plugin) or "", hook, error)

    def _grumble(self, plugin: str, hook: str, error: Exception) -> None:
        if (plugin, hook) not in self._grumbled:
            self._grumbled.add((plugin, hook))
            print(f"warning: plugin {plugin} failed in {hook}: {_one_line(error)}; said once", file=sys.stderr)

    def _load(self, point: EntryPoint) -> None:
        distribution = point.dist.name if point.dist else ""
        version = point.dist.version if point.dist else ""
        self._guarded(point.name, distribution, version, point.load)

    def _guarded(self, name: str, distribution: str, version: str, load: Callable[[], object]) -> PluginStatus:
        def status(state: State, error: str = "") -> PluginStatus:
            heard = tuple(self._heard(name)) if state == "loaded" else ()
            return PluginStatus(name, distribution, version, state, error, self.registry.provided_by(name), heard)

        if name in self._statuses:
            key = f"{name} ({distribution or 'added by hand'})"
            error = (
                f'a plugin named "{name}" is there already, from {self._statuses[name].distribution or "this program"}'
            )
            return self._record(key, PluginStatus(key, distribution, version, "failed", error))
        if name in self._disabled or "*" in self._disabled:
            return self._record(name, status("disabled"))
        try:
            # What a plugin prints while it loads must not end up in the one JSON object on stdout.
            with redirect_stdout(sys.stderr):
                self._register(load(), name)
        except KeyboardInterrupt:
            raise
        except PluginIncompatible as error:
            return self._record(name, status("incompatible", error.message))
        # A plugin is foreign code: whatever it raises, SystemExit too, must not take the others along.
        except BaseException as error:  # noqa: BLE001
            return self._record(name, status("failed", _one_line(error)))
        return self._record(name, status("loaded"))

    def _register(self, plugin: object, name: str) -> None:
        wanted = getattr(plugin, "loresmith_api", hooks.API_VERSION)
        if wanted != hooks.API_VERSION:
            raise PluginIncompatible(f"asks for plugin API {wanted}; this is {hooks.API_VERSION}")
        self._staged, self._loading = [], name
        try:
            self._manager.register(plugin, name=name)
            self._refuse_lost_hooks(plugin)
            self.registry.commit(self._staged)
        except BaseException:
            if self._manager.get_plugin(name) is not None:
                self._manager.unregister(name=name)
            raise
        finally:
            self._staged, self._loading = [], ""

    def _refuse_lost_hooks(self, plugin: object) -> None:
        """Refuse what pluggy passes over in silence: a hook that is misspelled, and one without its marker."""
        callers = self._manager.get_hookcallers(plugin) or []
        unknown = sorted(caller.name for caller in callers if not caller.has_spec())
        if unknown:
            near = difflib.get_close_matches(unknown[0], HOOKS, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise LoresmithError(f"implements {', '.join(unknown)}, which is no hook{hint}")
        marked = {caller.name for caller in callers}
        bare = [name for name in HOOKS if name not in marked and callable(getattr(plugin, name, None))]
        if bare:
            raise LoresmithError(f"defines {', '.join(bare)} without @hookimpl")

    def _heard(self, name: str) -> list[str]:
        """Return the behaviour hooks that a loaded plugin implements, sorted."""
        callers = self._manager.get_hookcallers(self._manager.get_plugin(name)) or []
        return sorted(caller.name for caller in callers if not caller.name.startswith("register_"))

    def _stage(self, kind: str, spec: Any) -> None:
        if not self._loading:
            raise LoresmithError(f"register_{kind} was called after its plugin was loaded")
        wanted = KINDS[kind]
        if not isinstance(spec, wanted):
            raise TypeError(f"register_{kind} takes a {wanted.__name__}, got {type(spec).__name__}")
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", spec.name):
            raise ValueError(f'the name "{spec.name}" is not made of small letters, digits, "-" and "_"')
        self._staged.append(Registration(kind, spec, self._loading))

    def _record(self, key: str, status: PluginStatus) -> PluginStatus:
        self._statuses[key] = status
        if status.state in ("failed", "incompatible"):
            self.registry.note_failure(key, status.error)
        return status


def installed_plugins() -> list[EntryPoint]:
    """Return the entry points of all installed plugins; nothing is imported."""
    return list(entry_points(group=hooks.PROJECT))


def _load_order(point: EntryPoint) -> tuple[bool, str, str]:
    """Put the project's own plugins first: a newcomer that takes a taken name is the one reported."""
    distribution = point.dist.name if point.dist else ""
    return (distribution != hooks.PROJECT, distribution, point.name)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    kind = "" if isinstance(error, LoresmithError) else f"{type(error).__name__}: "
    foreign = [
        f" ({frame.f_code.co_filename}:{line})"
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").split(".")[0] not in ("pluggy", hooks.PROJECT, "importlib")
    ]
    return f"{kind}{text}{foreign[-1] if foreign else ''}"


def report_failures(host: PluginHost) -> None:
    """Say once, on stderr, which plugins did not load."""
    for status in host.failures:
        print(
            f"warning: plugin {status.name} did not load: {status.error} (see: loresmith plugins ls)", file=sys.stderr
        )
