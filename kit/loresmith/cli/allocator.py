"""Gives the memory allocator its settings, which it reads only when a process starts.

glibc returns the memory of large tensors to the system after every step and fetches it again for the next: measured,
a third of the training time on a CPU. Kept by the process, it costs nothing.
"""

from __future__ import annotations

import os
import platform
import sys

SETTINGS = {
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}
MARK = "LORESMITH_ALLOCATOR"


def with_settings() -> None:
    """Start this very process again with the settings, unless they are there; the user's own are respected.

    Does nothing where the C library is not glibc, or where the command line runs inside another program.
    """
    started_here = sys.argv and os.path.basename(sys.argv[0]) in ("loresmith", "__main__.py")  # noqa: PTH119
    if platform.libc_ver()[0] != "glibc" or MARK in os.environ or not started_here:
        return
    environment = {**SETTINGS, **os.environ, MARK: "1"}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-m", "loresmith", *sys.argv[1:]], environment)
