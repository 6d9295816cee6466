"""`loresmith doctor`: what this machine and this installation can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from loresmith.cli.common import Session, shared_options


@click.command("doctor")
@shared_options
def command(session: Session) -> None:
    """Say what is here: machine, libraries, plugins and their failures, and what each method can train."""
    from loresmith.cli.doctor import doctor_text
    from loresmith.doctor import examine
    from loresmith.host import PluginHost

    found: Mapping[str, Any] = examine(PluginHost.from_environment(session.disabled), session.folder)
    session.show(found, lambda: doctor_text(found))
