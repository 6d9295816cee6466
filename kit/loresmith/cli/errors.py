"""The one place where errors become text and exit codes."""

from __future__ import annotations

import os
import sys
import traceback

import click

from loresmith.errors import LoresmithError


def render(error: BaseException, *, debug: bool) -> int:
    """Write an error to stderr and return the exit code it stands for."""
    if debug and not isinstance(error, SystemExit | click.exceptions.Exit):
        traceback.print_exception(error)
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else 1
        case click.Abort() | KeyboardInterrupt():
            _say("interrupted; what was done is kept")
            return 130
        case click.ClickException():
            error.show()
            return 2
        case LoresmithError():
            _say(f"error: {error}" if error.exit_code != 130 else str(error))
            return error.exit_code
        case BrokenPipeError():
            # Whoever read our output has gone; point stdout elsewhere so that the interpreter's last flush is quiet.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        case OSError():
            _say(f"error: {describe_os_error(error)}")
            return 1
    _say(f"error: {type(error).__name__}: {error}")
    _say("This is a defect of Loresmith or of a plugin. Run again with --debug for the traceback.")
    return 1


def describe_os_error(error: OSError) -> str:
    """Say which file and why, without Python's numbers."""
    reason = (error.strerror or str(error)).lower()
    return f'"{error.filename}": {reason}' if error.filename else reason


def _say(text: str) -> None:
    print(plain(text), file=sys.stderr, flush=True)


def plain(text: str) -> str:
    """Return text with control characters made visible: documents and model output must not steer a terminal."""
    return "".join(c if c in "\n\t" or (c.isprintable()) else f"\\x{ord(c):02x}" for c in text)
