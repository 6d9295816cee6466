"""What a run was made with: versions, hardware, plugins. Nothing is imported to find it out."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loresmith import __version__

if TYPE_CHECKING:
    from loresmith.host import PluginHost

DISTRIBUTION = "loresmith"


def versions(host: PluginHost) -> dict[str, str]:
    """Return the versions of Python, Loresmith, and all installed distributions that it or a loaded plugin asks for."""
    plugins = {status.distribution for status in host.statuses if status.state == "loaded"} - {""}
    named = {name for owner in {DISTRIBUTION, *plugins} for name in _required(owner)}
    found = {name: version for name in sorted(named | plugins) if (version := _version(name))}
    return {"python": platform.python_version(), DISTRIBUTION: __version__} | {
        name: version for name, version in found.items() if name != DISTRIBUTION
    }


def hardware(accelerators: Iterable[str] = ()) -> dict[str, Any]:
    """Return what the machine is, `memory` in bytes; `accelerators` are named by the caller, who may ask a library."""
    return {
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": _cores(),
        "memory": _memory(),
        "accelerators": list(accelerators),
    }


def plugins(host: PluginHost) -> list[dict[str, str]]:
    """Return every plugin with its version and what became of it."""
    return [
        {"name": each.name, "distribution": each.distribution, "version": each.version, "state": each.state}
        for each in host.statuses
    ]


def _required(distribution: str) -> set[str]:
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return set()
    # What the developers' extra brings has no part in a result.
    lines = [line for line in lines if not re.search(r"""extra\s*==\s*['"]dev['"]""", line)]
    return {match.group().lower() for line in lines if (match := re.match(r"[A-Za-z0-9._-]+", line))}


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cores() -> int:
    # Those this process may use; a container often has fewer than the machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
