"""What fails for now is asked again; all else ends in an error that names the endpoint and says what to do."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from platformdirs import user_cache_path

from loresmith.errors import ModelError
from loresmith.values import Message
from loresmith_plugins.engines.openai import pace
from loresmith_plugins.engines.openai.chat_model import OpenAIChatModel
from scripted_endpoint import Fault, ScriptedEndpoint

Make = Callable[..., OpenAIChatModel]
KEY = "sk-very-secret-0123456789"


def asked(question: str = "When?") -> list[Message]:
    return [{"role": "user", "content": question}]


def failure(engine: OpenAIChatModel) -> ModelError:
    with pytest.raises(ModelError) as failed:
        engine.complete([asked()])
    assert engine.options.url in failed.value.message
    assert '"scripted"' in failed.value.message
    return failed.value


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500), Fault(503), Fault(408), Fault(429), Fault(hang_up=True), Fault(body="<html>busy</html>"),
        Fault(body='{"choices": []}'), Fault(body="[]"), Fault(body='{"choices": [{"text": "old"}]}'),
        Fault(body='{"choices": [{"message": {"content": [1]}}]}'), Fault(body='{"choices": ["x"]}'),
    ],
    ids=["500", "503", "408", "429", "hangs up", "no JSON", "no choice", "a list", "no message", "no text", "a word"],
)  # fmt: skip
def test_what_failed_for_now_is_asked_again(make: Make, fault: Fault) -> None:
    with ScriptedEndpoint("At nine.", faults=[fault, fault]) as endpoint:
        assert make(endpoint).complete([asked()])[0].text == "At nine."
        assert len(endpoint.requests) == 3
        assert len({json.dumps(request.body) for request in endpoint.requests}) == 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(500, '{"error": {"message": "out of order"}}'), "answers 500: out of order"),
        (Fault(502, '{"error": "bad gateway"}'), "answers 502: bad gateway"),
        (Fault(body="<html>busy</html>"), "is not understood: what it answers is not JSON: <html>busy</html>"),
        (Fault(body='{"choices": []}'), "an empty list of choices"),
        (Fault(body='{"error": {"message": "no such thing"}}'), "has no choices: no such thing"),
        (Fault(body='{"choices": [{"message": {"content": 7}}]}'), "its reply is not a text: 7"),
        (Fault(silent=True), r"answers nothing within 0\.3 seconds"),
        (Fault(hang_up=True), "cannot be reached: "),
    ],
    ids=["500", "502", "no JSON", "no choice", "an error with status 200", "no text", "silence", "hangs up"],
)
def test_what_fails_again_and_again_ends_in_a_clear_error(make: Make, fault: Fault, says: str) -> None:
    with ScriptedEndpoint(faults=[fault] * 3) as endpoint:
        error = failure(make(endpoint, retries=1, timeout=0.3))
        assert len(endpoint.requests) == 2
    assert re.search(says, error.message)
    assert error.message.endswith("(asked 2 times)")
    assert "0 of 1 requests were answered" in error.hint


def test_a_refused_connection_ends_in_a_clear_error(make: Make) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failure(make(f"http://127.0.0.1:{taken.getsockname()[1]}/v1", retries=2))
    assert "cannot be reached: " in error.message
    assert "See whether it is up" in error.hint


@pytest.mark.parametrize(
    ("status", "hint"),
    [(400, "`extra`"), (401, "`key_env`"), (403, "`key_env`"), (404, "`url` ends where"), (301, "See what it says")],
)
def test_what_will_not_change_fails_at_once_and_says_what_to_do(make: Make, status: int, hint: str) -> None:
    with ScriptedEndpoint(faults=[Fault(status, headers={"Location": "http://elsewhere.invalid"})]) as endpoint:
        error = failure(make(endpoint))
        assert len(endpoint.requests) == 1
    assert f"refuses, with status {status}: as scripted" in error.message
    assert hint in error.hint


def test_an_empty_account_is_not_waited_for(make: Make) -> None:
    body = '{"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}'
    with ScriptedEndpoint(faults=[Fault(429, body)]) as endpoint:
        assert "has nothing left" in failure(make(endpoint)).hint
        assert len(endpoint.requests) == 1


def test_all_wait_as_long_as_one_is_told_to(make: Make) -> None:
    with ScriptedEndpoint(faults=[Fault(429, headers={"Retry-After": "0.6"})], seconds=0.05) as endpoint:
        make(endpoint, concurrency=2).complete([asked(str(n)) for n in range(6)])
        limited = endpoint.requests[0].at
        # What was sent at the same time is under way already.
        assert all(request.at - limited > 0.55 for request in endpoint.requests[2:])
        assert len(endpoint.requests) == 7


def test_a_limit_on_some_is_no_failure_while_others_are_answered(make: Make) -> None:
    def unlucky_first(messages: Sequence[Mapping[str, str]]) -> str | Fault:
        limited = messages[0]["content"] == "0" and len(replied) < 8
        replied.extend([] if limited else messages)
        return Fault(429, headers={"Retry-After": "0.04"}) if limited else "ok"

    replied: list[Mapping[str, str]] = []
    with ScriptedEndpoint(unlucky_first) as endpoint:
        found = make(endpoint, concurrency=2, retries=4).complete([asked(str(n)) for n in range(12)])
        assert [completion.text for completion in found] == ["ok"] * 12
        assert len([request for request in endpoint.requests if request.messages[0]["content"] == "0"]) > 5


def test_how_long_to_wait_is_read_in_seconds_and_as_a_date_and_is_capped() -> None:
    assert pace.retry_after({"Retry-After": "1.5"}) == 1.5
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 18 < (pace.retry_after({"Retry-After": soon}) or 0) <= 20
    assert pace.retry_after({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 0
    assert pace.retry_after({"Retry-After": "86400"}) == pace.LONGEST_WAIT
    assert [pace.retry_after({"Retry-After": odd}) for odd in ("", "soon", "nan")] == [None] * 3
    assert pace.retry_after({}) is None


def test_waiting_grows_and_is_jittered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_WAIT", 1.0)
    for attempt, middle in ((1, 1.0), (2, 2.0), (4, 8.0), (40, pace.LONGEST_WAIT)):
        waits = {pace.backing_off(attempt) for _ in range(20)}
        assert len(waits) > 1
        assert all(middle / 2 <= wait <= middle * 1.5 for wait in waits)


def test_the_key_is_sent_and_stands_nowhere_else(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_KEY", KEY)
    echo = Fault(401, json.dumps({"error": {"message": f"the key {KEY} is not known"}}))
    with ScriptedEndpoint(faults=[Fault(500, f"echo {KEY}"), Fault(body=f"<{KEY}>")]) as endpoint:
        engine = make(endpoint, key_env="DESK_KEY")
        engine.complete([asked()])
        assert [request.headers["Authorization"] for request in endpoint.requests] == [f"Bearer {KEY}"] * 3
        endpoint.faults.append(echo)
        with pytest.raises(ModelError) as failed:
            engine.complete([asked("again")])
    assert "the key *** is not known" in failed.value.message
    assert '"DESK_KEY"' in failed.value.hint
    held = [repr(engine), str(engine), repr(engine._asking.__dict__), str(failed.value), repr(failed.value)]
    kept = [file.read_text(encoding="utf-8") for file in user_cache_path("loresmith").rglob("*") if file.is_file()]
    assert kept
    assert not [text for text in held + kept if KEY in text]


def test_a_missing_key_is_said_before_anything_is_asked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DESK_KEY", raising=False)
    with ScriptedEndpoint() as endpoint:
        with pytest.raises(ModelError, match=r'the environment variable "DESK_KEY".* is not set') as failed:
            make(endpoint, key_env="DESK_KEY")
        assert "export DESK_KEY=" in failed.value.hint
        monkeypatch.setenv("DESK_KEY", "two words")
        with pytest.raises(ModelError, match="cannot be a key") as failed:
            make(endpoint, key_env="DESK_KEY")
        assert "two words" not in str(failed.value)
        assert not endpoint.requests


def test_without_a_key_none_is_sent(make: Make) -> None:
    with ScriptedEndpoint() as endpoint:
        make(endpoint).complete([asked()])
    assert "Authorization" not in endpoint.requests[0].headers


def test_a_stream_comes_in_pieces_and_is_asked_again_until_it_begins(make: Make) -> None:
    with ScriptedEndpoint("one two three", faults=[Fault(503), Fault(hang_up=True)]) as endpoint:
        assert list(make(endpoint).stream_text(asked())) == ["one ", "two ", "three "]
        assert endpoint.requests[-1].body["stream"] is True


def test_a_stream_that_fails_ends_in_a_clear_error(make: Make) -> None:
    with ScriptedEndpoint(faults=[Fault(404)]) as endpoint, pytest.raises(ModelError, match="status 404"):
        list(make(endpoint).stream_text(asked()))
    headers = {"Content-Type": "text/event-stream"}
    piece = 'data: {"choices": [{"delta": {"content": "one "}}]}\n\n'
    with ScriptedEndpoint(faults=[Fault(body=f"{piece}data: <html>\n\n", headers=headers)]) as endpoint:
        pieces = make(endpoint).stream_text(asked())
        assert next(pieces) == "one "
        with pytest.raises(ModelError, match="broke off after 1 pieces"):
            next(pieces)


def test_an_endpoint_that_does_not_stream_answers_in_one_piece(make: Make) -> None:
    whole = '{"choices": [{"message": {"content": "At nine."}}]}'
    with ScriptedEndpoint(faults=[Fault(body=whole)]) as endpoint:
        assert list(make(endpoint).stream_text(asked())) == ["At nine."]


def test_ctrl_c_does_not_wait_for_an_answer(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with ScriptedEndpoint(faults=[Fault(silent=True)] * 2) as endpoint:
            engine = make(endpoint, timeout=30)
            started = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(KeyboardInterrupt):
                engine.complete([asked("a"), asked("b")])
            assert time.monotonic() - started < 5
    finally:
        signal.signal(signal.SIGALRM, before)
