from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loresmith.errors import UsageError
from loresmith.runs.manifest import Manifest
from loresmith_tui.jobs import NICENESS
from loresmith_tui.session import Session


def test_the_session_imports_neither_textual_nor_torch() -> None:
    code = (
        "import sys, loresmith_tui.session, loresmith_tui.talking, loresmith_tui.watching, loresmith_tui.jobs\n"
        "import loresmith_tui.assembling, loresmith_tui.form_values, loresmith_tui.recipe_words\n"
        "print([m for m in ('textual', 'torch', 'transformers', 'chromadb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_app_is_imported_without_torch() -> None:
    code = "import sys, loresmith_tui.start\nprint([m for m in ('torch', 'chromadb') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_a_project_what_needs_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no assistant\.yaml"):
        Session(tmp_path).runs()


def test_runs_that_did_not_change_are_not_read_again(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(own)
    before = session.runs()
    reads: list[Path] = []
    real = Manifest.read
    monkeypatch.setattr(Manifest, "read", lambda folder: reads.append(folder) or real(folder))
    assert session.runs() == before
    assert reads == []
    session.promote(before[0]["run"], "prompt")
    reads.clear()
    assert session.runs()[0]["promoted"] == "prompt"
    assert len(reads) == 1


def test_of_many_runs_only_those_that_are_wanted_are_read(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = own / ".loresmith" / "runs"
    [latest] = runs.iterdir()
    older = runs / "20200101-0000-beef"
    shutil.copytree(latest, older)
    text = (older / "manifest.json").read_text().replace(f'"id": "{latest.name}"', f'"id": "{older.name}"')
    (older / "manifest.json").write_text(text)
    reads: list[Path] = []
    real = Manifest.read
    monkeypatch.setattr(Manifest, "read", lambda folder: reads.append(folder) or real(folder))
    assert [row["run"] for row in Session(own).runs(1)] == [latest.name]
    assert reads == [latest]
    assert len(Session(own).runs()) == 2


def test_a_run_that_is_broken_does_not_hide_the_others(own: Path) -> None:
    (own / ".loresmith" / "runs" / "20200101-0000-dead").mkdir()
    assert len(Session(own).runs()) == 1


def test_a_disabled_plugin_is_left_out_of_what_is_started(own: Path) -> None:
    session = Session(own, ["bm25"])
    assert next(status for status in session.plugins() if status.name == "bm25").state == "disabled"
    session.jobs.start("plugins", "ls")
    assert session.jobs.process
    assert os.getpriority(os.PRIO_PROCESS, session.jobs.process.pid) >= NICENESS, "it stands back for the screen"
    end = time.monotonic() + 60
    while session.jobs.running and time.monotonic() < end:
        time.sleep(0.05)
    assert session.jobs.code == 0
    assert "bm25  " in session.jobs.log.read_text()
    assert "disabled" in session.jobs.log.read_text()
