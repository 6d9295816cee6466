"""`loresmith tui`: the terminal app. It is a package of its own, which is only imported here, when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

from loresmith.cli.common import Session, shared_options


@click.command("tui")
@click.option("--serve", is_flag=True, help="In a browser on this machine, in place of the terminal.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Port of --serve.")
@shared_options
def command(session: Session, *, serve: bool, port: int) -> None:
    """Open the terminal app: assemble, build, question and prove an assistant without leaving the keyboard."""
    from loresmith.errors import MissingExtraError

    try:
        start = import_module("loresmith_tui.start")
    except ModuleNotFoundError as error:
        library = (error.name or "").split(".")[0]
        if library in ("loresmith", "loresmith_tui"):
            raise
        raise MissingExtraError(library, "tui") from error
    if serve:
        start.serve(session.folder, session.disabled, port)
    else:
        start.run(session.folder, session.disabled)
