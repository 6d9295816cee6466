from __future__ import annotations

import time

import pytest

from loresmith.cli.progress import progress_report


def test_away_from_a_terminal_each_activity_gets_its_first_and_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_report() as report:
        for done in range(101):
            report("downloading tiny", done, 100)
        report("downloading tiny", 100, 100)
        report("converting tiny", 1, 2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == ["downloading tiny: 0 %", "downloading tiny: 100 %", "converting tiny: 50 %"]


def test_a_program_that_draws_its_own_bars_may_ask_for_more_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORESMITH_PROGRESS_SECONDS", "0")
    with progress_report() as report:
        for done in (0, 1, 2, 4):
            monkeypatch.setattr(time, "monotonic", lambda done=done: 100.0 + 30 * done)
            report("embedding", done, 4)
    assert capsys.readouterr().err.splitlines() == [
        "embedding: 0 %",
        "embedding: 25 %, 1 min 30 s left",
        "embedding: 50 %, 1 min 0 s left",
        "embedding: 100 %",
    ]
