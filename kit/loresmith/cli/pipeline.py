"""How `build`, `train` and `eval` call the pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loresmith.cli.allocator import with_settings
from loresmith.cli.common import Session
from loresmith.cli.progress import progress_report

if TYPE_CHECKING:
    from loresmith.building.pipeline import Wishes


def run_pipeline(session: Session, wishes: Wishes) -> dict[str, Any]:
    """Run the pipeline with progress on stderr, and return its result."""
    from loresmith.building.pipeline import Pipeline
    from loresmith.errors import Interrupted
    from loresmith.interruption import Interruption
    from loresmith.project import Project

    project = Project.open(session.folder)
    with_settings()
    host = session.host()
    try:
        with progress_report() as report:
            return Pipeline(project, host, wishes, session.note, report, Interruption()).run()
    except KeyboardInterrupt as stop:
        again = "build --resume" if wishes.train else wishes.command
        raise Interrupted("interrupted; what was done is kept", f"Go on with `loresmith {again}`.") from stop
