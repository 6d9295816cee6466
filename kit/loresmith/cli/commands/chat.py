"""`loresmith chat`: a conversation in the terminal, or over a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress

import click

from loresmith.assistant.assistant import Assistant, Reply
from loresmith.assistant.open import open_assistant
from loresmith.cli.answers import citations_text, print_pieces, trace_text
from loresmith.cli.common import Session, shared_options
from loresmith.cli.conversing import Conversing
from loresmith.cli.errors import plain
from loresmith.cli.progress import progress_report
from loresmith.errors import LoresmithError, UsageError
from loresmith.journal.conversations import history_wanted
from loresmith.project import Project
from loresmith.rungs import RUNGS
from loresmith.values import Answer

HELP = f"""\
/rung [RUNG]      show the rung, or change it: {", ".join(RUNGS)}
/trace            why the last answer is what it is: passages, scores, prompt
/up               the last answer is a good one
/down [TEXT]      it is not; TEXT is what it should have been
/history [WORDS]  the conversations that are kept; those in which all of these words are said
/open ID          go on with one of them
/reset            begin a new conversation
/help             this list
/quit             leave (Ctrl-D does too; Ctrl-C stops an answer)"""

Open = Callable[[str, Assistant], Assistant]
"""Opens another rung, with what the present assistant has loaded."""


@click.command("chat")
@click.option("--rung", type=click.Choice(RUNGS), help="Rung of the ladder (default: the promoted one).")
@click.option("--run", "run_id", metavar="ID", help="A run other than the promoted one.")
@click.option("--no-history", is_flag=True, help="Do not keep the conversation in the project's journal.")
@shared_options
def command(session: Session, rung: str | None, run_id: str | None, *, no_history: bool) -> None:
    """Talk to the assistant. Type /help for what else can be typed.

    With --json every answer is one JSON object on a line, and so is what /up, /down, /history and /open say.
    """
    project, host = Project.open(session.folder), session.host()

    def open_rung(wanted: str, present: Assistant) -> Assistant:
        return open_assistant(project, None, host, wanted, run_id, present.engine)

    with progress_report() as report:
        assistant = open_assistant(project, None, host, rung, run_id, report=report)
    conversing = Conversing(session, project, kept=history_wanted() and not no_history)
    Chat(session, assistant, open_rung, conversing).run()


class Chat:
    """One conversation.

    Args:
        session: Shared options of the command.
        assistant: Answers.
        open_rung: Opens another rung.
        conversing: What was said.
    """

    def __init__(self, session: Session, assistant: Assistant, open_rung: Open, conversing: Conversing) -> None:
        self._session, self._assistant, self._open_rung = session, assistant, open_rung
        self._conversing = conversing
        self._at_terminal = sys.stdin.isatty()
        self._commands = {
            "/rung": self._rung,
            "/trace": self._trace,
            "/up": conversing.up,
            "/down": conversing.down,
            "/history": conversing.history,
            "/open": conversing.open,
            "/reset": conversing.reset,
            "/help": self._help,
        }

    def run(self) -> None:
        """Read and answer until the end of the input or /quit."""
        if self._at_terminal:
            _line_editing()
            self._session.note("/help for help, Ctrl-D to leave")
        self._introduce()
        while (line := self._read()) is not None:
            if line == "/quit":
                return
            if line:
                self._guarded(line)

    def _read(self) -> str | None:
        """Return the next line, an empty one after Ctrl-C, or None at the end."""
        try:
            if self._at_terminal:
                return input("> ").encode("utf-8", "replace").decode().strip()
            line = sys.stdin.buffer.readline()
            return line.decode("utf-8-sig", "replace").strip() if line else None
        except EOFError:
            self._session.note("")
            return None
        except KeyboardInterrupt:
            if not self._at_terminal:
                raise
            self._session.note("\nCtrl-D or /quit to leave")
            return ""

    def _guarded(self, line: str) -> None:
        """Obey or answer; at a terminal an error does not end the conversation."""
        try:
            if line.startswith("/"):
                self._obey(line)
            else:
                self._answer(line)
        except LoresmithError as error:
            if not self._at_terminal:
                raise
            self._session.note(plain(f"error: {error}"))

    def _obey(self, line: str) -> None:
        name, _, argument = line.partition(" ")
        if name not in self._commands:
            raise UsageError(f'no command named "{name}"', f"Commands: {', '.join([*self._commands, '/quit'])}.")
        self._commands[name](argument.strip())

    def _answer(self, question: str) -> None:
        reply = self._assistant.stream([*self._conversing.messages, {"role": "user", "content": question}])
        self._pass_on(reply)
        answer = reply.answer()
        self._show(answer)
        self._conversing.add(question, answer, self._assistant.run)

    def _pass_on(self, reply: Reply) -> None:
        try:
            if self._session.json:
                for _ in reply:
                    pass
            else:
                print_pieces(reply)
        except KeyboardInterrupt:
            self._session.note("\nstopped")
            if not self._at_terminal:
                raise
            if rest := reply.rest():
                print_pieces([rest])

    def _show(self, answer: Answer) -> None:
        if self._session.json:
            print(json.dumps(answer.to_json(), ensure_ascii=False, allow_nan=False), flush=True)
        elif below := citations_text(answer):
            print(f"\n{below}\n", flush=True)

    def _rung(self, argument: str) -> None:
        if argument and argument not in RUNGS:
            raise UsageError(f'no rung named "{argument}"', f"Rungs: {', '.join(RUNGS)}.")
        if argument:
            self._assistant = self._open_rung(argument, self._assistant)
        self._introduce()

    def _introduce(self) -> None:
        self._session.note(f"rung {self._assistant.rung}")
        for note in self._assistant.notes:
            self._session.note(plain(f"note: {note}"))

    def _trace(self, _argument: str) -> None:
        last = self._conversing.last
        self._session.note(trace_text(last.answer.trace) if last else "nothing has been answered yet")

    def _help(self, _argument: str) -> None:
        self._session.note(HELP)


def _line_editing() -> None:
    """Give `input` its arrow keys and history, where the platform has them."""
    with suppress(ImportError):
        import readline  # noqa: F401
