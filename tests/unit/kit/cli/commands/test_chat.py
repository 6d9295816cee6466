from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[4]


def child(*arguments: str) -> list[str]:
    return [sys.executable, str(TESTS / "chat_child.py"), *arguments]


def piped(text: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        child("chat", *arguments), cwd=folder, input=text, capture_output=True, text=True, timeout=60, check=False
    )


class Terminal:
    """A child that believes to be at a terminal."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ["TERM"] = "dumb"
            os.execv(sys.executable, child(*arguments))
        self.seen = ""

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """Read up to `text`, and return what came before and with it."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {text!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096).decode("utf-8", "replace")
            except OSError:
                break
        before, found, self.seen = self.seen.partition(text)
        assert found, before
        return before + found

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def interrupt_until(self, text: str) -> None:
        """Press Ctrl-C until `text` is seen.

        The interpreter notices a signal at the prompt only while it waits for a key: one that comes while it echoes
        the last key is noticed at the next.
        """
        for _ in range(60):
            self.type("\x03")
            try:
                self.wait_for(text, seconds=0.5)
            except AssertionError:
                continue
            return
        raise AssertionError(f"no {text!r} in {self.seen!r}")

    def exit_code(self) -> int:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.seen += os.read(self.fd, 4096).decode("utf-8", "replace")
                except OSError:
                    time.sleep(0.05)
        raise AssertionError(f"still running; {self.seen!r}")

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, "chat")
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
    terminal = Terminal(tmp_path, "ask", "rude fare?", "--trace")
    terminal.wait_for("9.40 marks \\x1b[31m [1].")
    terminal.wait_for('[1] fares.md (characters 0-30): "The single fare is 9.40 marks."')
    terminal.wait_for("--- system ---")
    assert terminal.exit_code() == 0
    assert "\x1b" not in terminal.seen
    terminal.close()


def test_ctrl_c_ends_a_single_question(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "ask", "slow", "--rung", "prompt")
    terminal.wait_for("first words")
    terminal.type("\x03")
    assert terminal.exit_code() == 130
    terminal.close()
