"""Where a stage may run: accelerators by name, and this machine."""

from __future__ import annotations

import difflib
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from loresmith.errors import UsageError
from loresmith.runs.surroundings import hardware

GIB = 2**30
Kind = Literal["cpu", "cuda", "unified"]

MEMORY: Mapping[str, int] = {
    "rtx-3060": 12, "rtx-4060-ti-16": 16, "rtx-4070": 12, "rtx-4080": 16, "rtx-3090": 24, "rtx-4090": 24,
    "rtx-5090": 32, "t4": 16, "l4": 24, "a10": 24, "v100-32": 32, "a6000": 48, "l40s": 48, "a100-40": 40, "a100-80": 80,
    "h100": 80, "h200": 141, "b200": 180,
    "m1-16": 16, "m2-24": 24, "m3-36": 36, "m4-max-64": 64, "m4-max-128": 128, "m3-ultra-512": 512,
}  # fmt: skip
"""Accelerators by name: GiB of their memory. Those of Apple (`m...`) share it with the processor."""

SHOWN = ("rtx-3060", "t4", "rtx-4090", "rtx-5090", "a100-40", "a6000", "h100", "h200", "m3-36")
"""Those that are shown when none is named: a size each."""

USABLE: Mapping[Kind, float] = {"cpu": 0.95, "cuda": 0.94, "unified": 0.72}
"""Share of the memory that a program gets: error correction and driver take 6 %, a Mac's display and system more."""

PROGRAM: Mapping[Kind, int] = {"cpu": 700_000_000, "cuda": 600_000_000, "unified": 700_000_000}
"""Bytes of the program itself: Python with torch, transformers and PEFT; on CUDA its context and kernels."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something to train on; `memory` in bytes."""

    name: str
    kind: Kind
    memory: int

    @property
    def room(self) -> int:
        """Bytes for the stage, after what the system and the program take."""
        return max(0, int(self.memory * USABLE[self.kind]) - PROGRAM[self.kind])

    @property
    def precision(self) -> int:
        """Bytes of a number in the forward pass: 32 bit on a CPU, 16 bit on an accelerator."""
        return 4 if self.kind == "cpu" else 2


def named(name: str) -> Device:
    """Return an accelerator by its name.

    Raises:
        UsageError: If none of that name is known.
    """
    key = re.sub(r"[\s_]+", "-", name.strip().lower())
    if key not in MEMORY:
        near = difflib.get_close_matches(key, MEMORY, n=1)
        hint = f'Did you mean "{near[0]}"? ' if near else ""
        raise UsageError(f'no accelerator named "{name}" is known', f"{hint}Known: {', '.join(MEMORY)}.")
    return Device(key, "unified" if re.match(r"m\d", key) else "cuda", MEMORY[key] * GIB)


def here() -> list[Device]:
    """Return what this machine has: its processor, then its accelerators."""
    machine = hardware()
    memory = int(machine["memory"])
    found = [Device(f"this machine: {machine['cpu']}", "cpu", memory)]
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        found.append(Device("this machine: unified memory", "unified", memory))
    return found + _cuda()


def _cuda() -> list[Device]:
    # Asked from the driver: torch would need seconds to say the same.
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return []
    pairs = (line.rpartition(",") for line in lines)
    return [
        Device(f"this machine: {name.strip()}", "cuda", int(mebibytes) * 2**20)
        for name, _, mebibytes in pairs
        if mebibytes.strip().isdigit()
    ]
