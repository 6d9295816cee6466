from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from labelled_project import engine, host, unfrozen
from labelled_project import project as frozen
from loresmith.cli.main import run
from loresmith.files import read_jsonl
from loresmith.journal.judgements import Judgements
from loresmith.project import Project
from terminal import Terminal

__all__ = ["engine", "frozen", "host", "unfrozen"]

CHILD = Path(__file__).parents[4] / "label_child.py"


@pytest.fixture
def desk(frozen: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(frozen.root)
    return frozen


def fed(keys: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(keys))
    return run(["label", *arguments])


def test_fed_keys_rank_and_what_is_left_waits_for_the_next_sitting(
    desk: Project, engine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fed("21s1=2xq", monkeypatch, "--count", "4", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["judged"], first["ranked"], first["skipped"], first["pairs"]) == (3, 2, 1, 5)
    assert fed("u=", monkeypatch, "--count", "1", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["ranked"], again["skipped"], again["pairs"]) == (2, 1, 3), (
        "the last one was taken back, and is a tie now"
    )


def test_the_end_of_the_input_ends_the_sitting_and_the_task_waits(
    desk: Project, engine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fed("1", monkeypatch, "--count", "2") == 0
    said = capsys.readouterr()
    assert "0 judged now" in said.out
    assert said.err.count("Q: ") == 1
    assert "(cut off)" in said.err
    assert Judgements(desk).counts().waiting >= 1


def test_what_was_drawn_before_is_ranked_first_and_nothing_more_is_drawn_than_is_wanted(
    desk: Project, engine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["label", "--draw", "--count", "3", "--replies", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"drawn": 3, "alike": 0, "waiting": 3, "rung": "prompt"}
    calls = len(engine.calls)
    assert fed("122", monkeypatch, "--count", "3") == 0
    assert len(engine.calls) == calls
    assert "3 judged now; in all 3 ranked" in capsys.readouterr().out


def test_out_come_rows_and_the_recipe_takes_them_in(
    desk: Project, engine: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["label", "--export", "data/labelled.jsonl"]) == 2
    assert "nothing is judged yet" in capsys.readouterr().err
    assert fed("12" * 2, monkeypatch, "--count", "2") == 0
    assert "label --export" in capsys.readouterr().out
    assert run(["label", "--export", "data/labelled.jsonl"]) == 0
    assert "- {kind: jsonl, path: data/labelled.jsonl}" in capsys.readouterr().out
    assert run(["label", "--export", "data/labelled.jsonl", "--add", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pairs"], told["added"]) == ({"path": "data/labelled.jsonl", "rows": 6}, ["data/labelled.jsonl"])
    assert run(["data", "check", "--json"]) == 0
    sources = json.loads(capsys.readouterr().out)["sources"]
    assert [(s["gives"], s["count"]) for s in sources] == [("documents", 8), ("examples", 30), ("preferences", 6)]
    assert {row["chosen"] for row in read_jsonl(desk.root / "data" / "labelled.jsonl")} <= {
        "reply 0",
        "reply 1",
        "reply 2",
    }
    assert run(["label", "--add"]) == 2


def test_what_goes_wrong_while_it_draws_is_told(
    desk: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fed("1", monkeypatch, "--rung", "tuned") == 2
    assert 'rung "tuned" needs training' in capsys.readouterr().err


def test_data_check_ends_with_the_code_of_what_is_wrong(desk: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check"]) == 0
    assert "frozen" in capsys.readouterr().out
    rows = (desk.root / "data" / "examples.jsonl").read_text()
    (desk.root / "data" / "examples.jsonl").write_text(rows + '{"question": "why"}\n')
    assert run(["data", "check"]) == 2
    assert "data/examples.jsonl:31: answer" in capsys.readouterr().err
    recipe = desk.recipe.read_text()
    (desk.root / "data" / "examples.jsonl").write_text(rows)
    desk.recipe.write_text(recipe.replace("test: 0.25", "test: 0.3"))
    assert run(["data", "check", "--json"]) == 3
    assert "the split is frozen" in json.loads(capsys.readouterr().out)["refused"]


def test_at_a_terminal_a_key_is_enough_and_no_control_code_of_a_model_is_obeyed(desk: Project) -> None:
    terminal = Terminal(desk.root, [sys.executable, str(CHILD), "label", "--count", "2", "--replies", "2"])
    try:
        assert "\x1b[31m" not in terminal.wait_for("1-2:")
        terminal.type("2")
        terminal.wait_for("--- 2 of 2")
        terminal.wait_for("1-2:")
        terminal.type("u")
        terminal.wait_for("--- 1 of 2")
        terminal.wait_for("1-2:")
        terminal.type("q")
        assert terminal.exit_code() == 0
    finally:
        terminal.close()
    assert Judgements(desk).counts().ranked == 0
