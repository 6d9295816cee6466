from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fake_parts import FakeEngine, FakeRetriever, chunk, fake_assistant
from loresmith.assistant.assistant import Assistant
from loresmith.cli.commands import ask
from loresmith.cli.main import run

Asked = Callable[..., int]


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: FakeEngine) -> Asked:
    """Run `ask` in a project whose assistant is made of fakes."""
    (tmp_path / "assistant.yaml").touch()
    opened: list[tuple[str | None, str | None]] = []

    def open_fake(
        _project: object, _recipe: object, _host: object, rung: str | None, run: str | None, **_: object
    ) -> Assistant:
        opened.append((rung, run))
        return fake_assistant(rung or "rag", engine, notes=["the index is older"])

    def call(*arguments: str, stdin: bytes = b"") -> int:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        return run(["ask", "--project", str(tmp_path), *arguments])

    monkeypatch.setattr(ask, "open_assistant", open_fake)
    monkeypatch.setattr(call, "opened", opened, raising=False)
    return call


def test_an_answer_comes_with_its_citations(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("fare?") == 0
    out, err = capsys.readouterr()
    assert out == (
        'The single fare is 9.40 marks [1].\n\n[1] fares.md (characters 0-30): "The single fare is 9.40 marks."\n'
    )
    assert "note: the index is older" in err


def test_what_a_passage_does_not_say_is_marked(
    asked: Asked, engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.reply = lambda _prompt: "The single fare is 9.90 marks [1]."
    asked("fare?")
    assert (
        capsys.readouterr()
        .out.rstrip()
        .endswith('marks." (not supported: "9.90 marks" is not in the passage, which says "9.40 marks")')
    )


def test_json_is_the_object_of_the_reference(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("fare?", "--json", "--rung", "hybrid") == 0
    value = json.loads(capsys.readouterr().out)
    assert list(value) == ["answer", "citations", "refused", "rung", "trace"]
    assert list(value["citations"][0]) == ["n", "document", "start", "end", "quote", "supported", "why"]
    assert value["rung"] == "hybrid"


def test_the_trace_shows_scores_and_the_exact_prompt(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("fare?", "--trace") == 0
    out = capsys.readouterr().out
    assert "searched for: fare?" in out
    assert "[2] dogs.md (characters 0-68) score 0.5  dense 0.5" in out
    assert "--- system ---\nYou answer for the ferry.\n--- user ---\nAnswer from" in out
    assert out.endswith("Question: fare?\n")


def test_questions_of_a_pipe_are_answered_in_batches_and_json_lines(
    asked: Asked, engine: FakeEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "BATCH", 2)
    assert asked("-", stdin="\ufefffare?\r\n\n  \nna\u00efve dog?\nlast \udcff".encode("utf-8", "surrogateescape")) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["trace"]["question"] for row in rows] == ["fare?", "na\u00efve dog?", "last \ufffd"]
    assert [len(conversations) for _, conversations in engine.calls] == [2, 1]


def test_hostile_texts_cannot_steer_the_terminal(
    asked: Asked, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "9.40 marks\x1b]0;owned\x07 are \x9b31m due."
    engine.reply = lambda _prompt: f"{evil[:-1]} [1]."
    retriever = FakeRetriever(chunk(evil, "a\x1bb.md", title="\x1b[2J"))
    monkeypatch.setattr(ask, "open_assistant", lambda *_, **__: fake_assistant("rag", engine, retriever))
    assert asked("fare? \x1b", "--trace") == 0
    out = capsys.readouterr().out
    assert not [c for c in out if not c.isprintable() and c != "\n"]
    assert "\\x1b]0;owned\\x07" in out


def test_an_empty_question_is_wrong_use(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("  ") == 2
    assert "the question is empty" in capsys.readouterr().err


def test_rung_and_run_are_passed_on(asked: Asked) -> None:
    assert asked("fare?", "--rung", "tuned", "--run", "2026") == 0
    assert asked.opened == [("tuned", "2026")]  # type: ignore[attr-defined]
    assert asked("fare?", "--rung", "best") == 2
