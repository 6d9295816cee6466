"""`loresmith ask`: one question, or one a line from standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice

import click

from loresmith.assistant.assistant import Assistant
from loresmith.assistant.open import open_assistant
from loresmith.cli.answers import answer_text, citations_text, print_pieces, trace_text
from loresmith.cli.common import Session, shared_options
from loresmith.cli.progress import progress_report
from loresmith.errors import UsageError
from loresmith.project import Project
from loresmith.rungs import RUNGS
from loresmith.values import Answer, Message

BATCH = 48
"""Questions answered together when they come from standard input."""


@click.command("ask")
@click.argument("question")
@click.option("--rung", type=click.Choice(RUNGS), help="Rung of the ladder (default: the promoted one).")
@click.option("--run", "run_id", metavar="ID", help="A run other than the promoted one.")
@click.option(
    "--trace", is_flag=True, help="Show why: what was searched, found, dropped, cut and checked, and the exact prompt."
)
@shared_options
def command(session: Session, question: str, rung: str | None, run_id: str | None, trace: bool) -> None:
    """Ask QUESTION and get an answer with citations.

    With `-` in place of QUESTION, questions are read from standard input, one a line, and answered in JSON lines.
    """
    if not question.strip():
        raise UsageError("the question is empty", 'Ask one: loresmith ask "How much is a return ticket?"')
    project = Project.open(session.folder)
    with progress_report() as report:
        assistant = open_assistant(project, None, session.host(), rung, run_id, report=report)
    for note in assistant.notes:
        session.note(f"note: {note}")
    if question == "-":
        _answer_lines(assistant)
    elif sys.stdout.isatty() and not session.json:
        _stream(assistant, question, trace=trace)
    else:
        answer = assistant.answer([_asked(question)])[0]
        session.show(answer.to_json(), lambda: _text(answer, trace=trace))


def _asked(question: str) -> list[Message]:
    # What is no UTF-8 on the command line arrives as half surrogate pairs, which nothing can store or print.
    return [{"role": "user", "content": question.encode("utf-8", "replace").decode().strip()}]


def _stream(assistant: Assistant, question: str, *, trace: bool) -> None:
    reply = assistant.stream(_asked(question))
    print_pieces(reply)
    answer = reply.answer()
    for text in (citations_text(answer), trace_text(answer.trace) if trace else ""):
        if text:
            print(f"\n{text}")


def _text(answer: Answer, *, trace: bool) -> str:
    return f"{answer_text(answer)}\n\n{trace_text(answer.trace)}" if trace else answer_text(answer)


def _answer_lines(assistant: Assistant) -> None:
    questions = _questions()
    while batch := list(islice(questions, BATCH)):
        for answer in assistant.answer([_asked(question) for question in batch]):
            print(json.dumps(answer.to_json(), ensure_ascii=False, allow_nan=False), flush=True)


def _questions() -> Iterator[str]:
    """Yield the lines of standard input that are not empty."""
    for line in sys.stdin.buffer:
        question = line.decode("utf-8-sig", "replace").strip()
        if question:
            yield question
