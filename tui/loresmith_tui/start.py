"""How the app is opened: in this terminal, or in a browser on this machine."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender

from loresmith_tui.app import LoresmithApp
from loresmith_tui.session import Session
from loresmith_tui.shown import ascii_only
from loresmith_tui.sweeping import Sweeper


class AsciiBar(ScrollBarRender):
    """A scroll bar of whole cells, for a terminal that knows no fractions of them."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def run(folder: Path, disabled: Iterable[str] = ()) -> None:
    """Open the app in this terminal, and return when it is closed."""
    if ascii_only():
        ScrollBar.renderer = AsciiBar
    LoresmithApp(Session(folder, disabled), Sweeper()).run()


def serve(folder: Path, disabled: Iterable[str], port: int) -> None:
    """Serve the app to browsers of this machine, on the loopback address alone, until Ctrl-C."""
    from loresmith_tui.serving import LoopbackServer

    words = [sys.executable, "-m", "loresmith", "tui", "--project", str(folder.expanduser().resolve())]
    words += [word for name in disabled for word in ("--no-plugin", name)]
    LoopbackServer(shlex.join(words), port).serve()
