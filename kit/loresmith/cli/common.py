"""What every command shares: `--project`, `--json`, `--debug`, `--no-plugin`, and how results are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from loresmith.host import PluginHost


@dataclass(frozen=True, slots=True)
class Session:
    """The shared options of one command call."""

    folder: Path
    json: bool
    debug: bool
    disabled: tuple[str, ...]

    def host(self) -> PluginHost:
        """Load the plugins, and say on stderr which did not load."""
        from loresmith.host import PluginHost, report_failures

        host = PluginHost.from_environment(self.disabled)
        report_failures(host)
        return host

    def show(self, value: Any, text: Callable[[], str]) -> None:
        """Print the result: one JSON object with `--json`, else the text."""
        if self.json:
            print(json.dumps(value, ensure_ascii=False, allow_nan=False), flush=True)
        else:
            print(text(), flush=True)

    def note(self, text: str) -> None:
        """Say something that is not the result, on stderr."""
        print(text, file=sys.stderr, flush=True)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command takes; the function gets them as its first argument, a `Session`."""

    @click.option(
        "--project", "folder", type=click.Path(path_type=Path), default=Path(), help="Project folder (default: here)."
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, everything else on stderr.")
    @click.option("--debug", is_flag=True, help="Show tracebacks.")
    @click.option("--no-plugin", "disabled", multiple=True, metavar="NAME", help="Leave a plugin out (repeatable).")
    @wraps(function)
    def command(folder: Path, as_json: bool, debug: bool, disabled: tuple[str, ...], **rest: Any) -> Any:
        return function(Session(folder, as_json, debug, disabled), **rest)

    return command
