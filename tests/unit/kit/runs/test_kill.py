"""A writer is killed at random instants; the project opens each time, and nothing that was finished is lost."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from loresmith.lock import ProjectLock
from loresmith.project import Project
from loresmith.runs.run import Run

WRITER = """
import sys
from itertools import count
from pathlib import Path
from loresmith.lock import ProjectLock
from loresmith.project import Project
from loresmith.runs.run import Run

project = Project(Path(sys.argv[1]))
with ProjectLock(project, "build", lambda _: None):
    run = Run.latest(project)
    with run.working():
        first = int(run.result("last") or 0) + 1
        for number in count(first):
            run.event({"kind": "step", "number": number})
            run.append_answers("rag", [{"id": f"q{number}", "answer": "x" * 500}], key="k")
            run.write_receipt("mask", {"number": number})
            run.mark("last", "k", number)
            print(number, flush=True)
"""


def test_a_run_opens_after_a_kill_at_any_instant(make_run: Callable[..., Run], project: Project) -> None:
    run = make_run()
    rng = random.Random(13)
    for _ in range(8):
        said = _killed_after(project.root, rng.uniform(0, 0.05))
        again = Run.open(project, run.id)
        assert again.state == "interrupted"
        assert int(again.result("last")) >= said
        assert len(again.answers("rag", "k")) >= said
        assert again.receipts()["mask"]["number"] >= said
        assert [event["n"] for event in again.events()] == list(range(1, len(again.events()) + 1))
    with ProjectLock(project, "build", lambda _: None):
        again.finish_answers("rag", "k")
        again.event({"kind": "done"})
        again.finish()
    assert Run.open(project, run.id).state == "done"


def _killed_after(root: Path, seconds: float) -> int:
    """Start the writer, kill it `seconds` after its first step, and return the last step that it said was finished."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    said = first + process.communicate()[0]
    return int([line for line in said.split("\n")[:-1] if line][-1])
