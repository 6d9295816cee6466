from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from terminal import Terminal

TESTS = Path(__file__).parents[4]


def child(*arguments: str) -> list[str]:
    return [sys.executable, str(TESTS / "chat_child.py"), *arguments]


def piped(text: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        child("chat", *arguments), cwd=folder, input=text, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, child("chat"))
    yield terminal
    terminal.close()


def test_a_piped_conversation_is_answered_turn_by_turn(tmp_path: Path) -> None:
    done = piped("fare?\n\n/reset\nfare?\nand a child?\n", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "2 turns, 9.40 marks [1]."
    assert '[1] fares.md (characters 0-30): "The single fare is 9.40 marks."' in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines() if "turns" in line] == ["2", "2", "4"]
    assert "rung rag" in done.stderr


def test_json_gives_one_object_a_line_and_nothing_else(tmp_path: Path) -> None:
    done = piped("/help\nfare?\n/trace\nrude one\n", "--json", folder=tmp_path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(row) for row in rows] == [["answer", "citations", "refused", "rung", "trace"]] * 2
    assert "/reset" in done.stderr
    assert "searched for: fare?" in done.stderr


def test_commands_change_the_rung_and_say_what_is_wrong(tmp_path: Path) -> None:
    done = piped("/rung hybrid\nfare?\n/quit\nnever asked\n", folder=tmp_path)
    assert done.returncode == 0
    assert "rung hybrid\nnote: the index is older" in done.stderr
    assert done.stdout.count("turns") == 1
    for line, message in (("/rnug", 'no command named "/rnug"'), ("/rung best", 'no rung named "best"')):
        wrong = piped(f"{line}\n", folder=tmp_path)
        assert wrong.returncode == 2
        assert message in wrong.stderr


def test_a_conversation_is_kept_judged_found_and_gone_on_with(tmp_path: Path) -> None:
    said = "fare?\n/up\nand a child?\n/down 4.70 marks\n/history CHILD\n"
    rows = [json.loads(line) for line in piped(said, "--json", folder=tmp_path).stdout.splitlines()]
    assert [next(iter(row)) for row in rows] == ["answer", "message", "answer", "message", "conversations"]
    assert (rows[1]["liked"], rows[3]["liked"], rows[3]["correction"]) == (True, False, "4.70 marks")
    (listed,) = rows[4]["conversations"]
    assert (listed["title"], listed["turns"], listed["rungs"]) == ("fare?", 2, "rag")

    done = piped(f"/open {listed['id'][:5]}\nfare?\n", "--json", folder=tmp_path)
    opened, answer = map(json.loads, done.stdout.splitlines())
    assert [(turn["question"], turn["liked"]) for turn in opened["turns"]] == [("fare?", True), ("and a child?", False)]
    assert answer["answer"].startswith("6 turns")

    shown = piped("/history\n/open\n", folder=tmp_path)
    assert f"{listed['id']}  " in shown.stderr
    assert "3 turns  rag  fare?" in shown.stderr
    assert (shown.returncode, "which conversation?" in shown.stderr) == (2, True)


def test_without_history_nothing_is_kept_and_nothing_can_be_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert piped("fare?\n", "--no-history", folder=tmp_path).returncode == 0
    monkeypatch.setenv("LORESMITH_HISTORY", "0")
    done = piped("fare?\n/history\n/up\n", folder=tmp_path)
    assert "nothing is kept yet" in done.stderr
    assert "this answer is not in the journal" in done.stderr
    assert not (tmp_path / ".loresmith" / "journal.db").exists()


def test_a_journal_that_cannot_be_used_is_told_once_and_answers_go_on(tmp_path: Path) -> None:
    (tmp_path / ".loresmith").mkdir()
    (tmp_path / ".loresmith" / "journal.db").write_bytes(b"no database at all" * 99)
    done = piped("fare?\nfare?\n", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("9.40 marks [1].") == 2
    assert done.stderr.count("kept no more") == 1


def test_no_control_character_of_a_model_reaches_the_terminal(tmp_path: Path) -> None:
    done = piped("rude\n", folder=tmp_path)
    assert "\x1b" not in done.stdout
    assert "\\x1b[31m" in done.stdout


def test_ctrl_c_stops_the_answer_and_not_the_conversation(terminal: Terminal) -> None:
    terminal.wait_for("> ")
    # A rung without passages: where citations are checked, nothing is shown before they are.
    terminal.type("/rung prompt\n")
    terminal.wait_for("> ")
    terminal.type("slow please\n")
    terminal.wait_for("first words")
    terminal.type("\x03")
    terminal.wait_for("stopped")
    terminal.wait_for("> ")
    terminal.type("and now?\n")
    terminal.wait_for("4 turns, 9.40 marks [1].")
    terminal.wait_for("> ")
    terminal.type("\x04")
    assert terminal.exit_code() == 0


def test_a_reply_that_is_stopped_is_checked_and_shown_as_far_as_it_came(terminal: Terminal) -> None:
    terminal.wait_for("> ")
    terminal.type("slow please\n")
    terminal.wait_for("slow please")
    time.sleep(1)
    terminal.interrupt_until("stopped")
    terminal.wait_for("first words")
    terminal.wait_for("> ")
    terminal.type("\x04")
    assert terminal.exit_code() == 0


def test_ctrl_c_at_the_prompt_does_not_leave(terminal: Terminal) -> None:
    terminal.wait_for("> ")
    terminal.type("half a quest")
    terminal.wait_for("half a quest")
    terminal.interrupt_until("Ctrl-D or /quit to leave")
    terminal.wait_for("> ")
    terminal.type("fare?\n")
    terminal.wait_for("2 turns")
    terminal.wait_for("> ")
    terminal.type("/quit\n")
    assert terminal.exit_code() == 0


def test_an_error_does_not_end_a_conversation_at_a_terminal(terminal: Terminal) -> None:
    terminal.wait_for("> ")
    terminal.type("/rung tuned\n")
    terminal.wait_for('error: rung "tuned" needs training')
    terminal.wait_for("> ")
    terminal.type("/rung\n")
    terminal.wait_for("rung rag")
    terminal.wait_for("> ")
    terminal.type("\x04")
    assert terminal.exit_code() == 0


def test_ask_streams_at_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, child("ask", "rude fare?", "--trace"))
    terminal.wait_for("9.40 marks \\x1b[31m [1].")
    terminal.wait_for('[1] fares.md (characters 0-30): "The single fare is 9.40 marks."')
    terminal.wait_for("--- system ---")
    assert terminal.exit_code() == 0
    assert "\x1b" not in terminal.seen
    terminal.close()


def test_ctrl_c_ends_a_single_question(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, child("ask", "slow", "--rung", "prompt"))
    terminal.wait_for("first words")
    terminal.type("\x03")
    assert terminal.exit_code() == 130
    terminal.close()
