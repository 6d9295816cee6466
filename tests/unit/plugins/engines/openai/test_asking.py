"""Nothing is asked twice, many are asked at once, and nothing is spent beyond the cap."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from loresmith.errors import GateRefused, ModelError
from loresmith.values import Message, Sampling
from loresmith_plugins.engines.openai.chat_model import OpenAIChatModel
from scripted_endpoint import Fault, ScriptedEndpoint

Make = Callable[..., OpenAIChatModel]


def asked(question: str) -> list[Message]:
    return [{"role": "user", "content": question}]


def shouted(messages: Sequence[Mapping[str, str]]) -> str:
    return messages[-1]["content"].upper()


def texts(engine: OpenAIChatModel, *questions: str, sampling: Sampling | None = None) -> list[str]:
    return [found.text for found in engine.complete([asked(question) for question in questions], sampling=sampling)]


def kept_files() -> list[Path]:
    return sorted((user_cache_path("loresmith") / "replies").rglob("*.json"))


def test_replies_come_in_order_whatever_comes_first(make: Make) -> None:
    def slow_first(messages: Sequence[Mapping[str, str]]) -> str:
        time.sleep(0.05 if "0" in shouted(messages) else 0)
        return shouted(messages)

    questions = [f"question {n}" for n in range(12)]
    seen: list[tuple[int, int]] = []
    with ScriptedEndpoint(slow_first) as endpoint:
        found = make(endpoint).complete([asked(q) for q in questions], lambda *at: seen.append(at))
    assert [completion.text for completion in found] == [question.upper() for question in questions]
    assert seen == [(n, 12) for n in range(1, 13)]
    assert {(completion.tokens_in, completion.tokens_out, completion.finished) for completion in found} == {
        (2, 2, True)
    }


def test_requests_overlap_as_many_as_are_allowed_and_no_more(make: Make) -> None:
    with ScriptedEndpoint(seconds=0.15) as endpoint:
        texts(make(endpoint, concurrency=4), *map(str, range(8)))
    assert endpoint.at_once == 4


def test_a_rerun_asks_nothing_twice(make: Make) -> None:
    with ScriptedEndpoint(shouted) as endpoint:
        first = make(endpoint).complete([asked("a"), asked("b")])
        seen: list[tuple[int, int]] = []
        again = make(endpoint).complete([asked("b"), asked("a")], lambda *at: seen.append(at))
        assert [c.text for c in again] == ["B", "A"]
        assert sorted(again, key=lambda c: c.text) == sorted(first, key=lambda c: c.text)
        assert seen == [(2, 2)]
        assert "".join(make(endpoint).stream_text(asked("a"))) == "A"
        assert len(endpoint.requests) == 2
        texts(make(endpoint, cache=False), "a")
        assert len(endpoint.requests) == 3


def test_what_shapes_a_reply_is_asked_anew(make: Make) -> None:
    with ScriptedEndpoint(shouted) as endpoint:
        for options in ({}, {"max_tokens": 7}, {"model": "another"}, {"extra": {"min_p": 0.1}}):
            texts(make(endpoint, **options), "a")
        texts(make(endpoint), "a", sampling=Sampling())
        assert len(endpoint.requests) == 5
        texts(make(endpoint, concurrency=1, retries=1, timeout=9), "a")
        assert len(endpoint.requests) == 5


def test_like_conversations_are_asked_once_but_drawn_each(make: Make) -> None:
    with ScriptedEndpoint(shouted) as endpoint:
        engine = make(endpoint)
        assert texts(engine, "a", "a", "b", "a") == ["A", "A", "B", "A"]
        assert len(endpoint.requests) == 2
        texts(engine, "a", "a", sampling=Sampling(temperature=0.7, top_p=0.9, seed=3))
        drawn = [request.body for request in endpoint.requests[2:]]
        assert len({body["seed"] for body in drawn}) == 2
        assert {(body["temperature"], body["top_p"]) for body in drawn} == {(0.7, 0.9)}
        texts(engine, "a", "a", sampling=Sampling(temperature=0.7, top_p=0.9, seed=3))
        assert len(endpoint.requests) == 4
        texts(engine, "a", "a", sampling=Sampling(temperature=0.7, top_p=0.9, seed=4))
        assert len(endpoint.requests) == 6


def test_a_damaged_kept_answer_is_asked_again(make: Make) -> None:
    with ScriptedEndpoint(shouted) as endpoint:
        texts(make(endpoint), "a")
        (file,) = kept_files()
        for damage in ("", "{", "[]", '{"text": "A"}'):
            file.write_text(damage, encoding="utf-8")
            assert texts(make(endpoint), "a") == ["A"]
        assert len(endpoint.requests) == 5


def test_what_was_answered_before_a_failure_is_kept(make: Make) -> None:
    def refuses_d(messages: Sequence[Mapping[str, str]]) -> str | Fault:
        return Fault(400) if shouted(messages) == "D" else shouted(messages)

    with ScriptedEndpoint(refuses_d) as endpoint:
        with pytest.raises(ModelError, match="3 of 6 requests were answered and are kept"):
            texts(make(endpoint, concurrency=1), *"abcdef")
        endpoint.reply = shouted
        assert texts(make(endpoint), *"abcdef") == [*"ABCDEF"]
        assert [request.messages[0]["content"] for request in endpoint.requests[:4]] == [*"abcd"]
        assert len(endpoint.requests) == 7


def test_the_cap_on_tokens_stops_before_it_is_passed_and_keeps_what_was_answered(make: Make) -> None:
    with ScriptedEndpoint("three short words") as endpoint:
        # A request takes 1 + 3 tokens and might take 9 + 10.
        engine = make(endpoint, max_tokens=10, max_total_tokens=28)
        with pytest.raises(GateRefused) as refused:
            texts(engine, *"abcdef")
        assert refused.value.exit_code == 3
        spent = 4 * len(endpoint.requests)
        assert 28 - 19 < spent <= 28
        assert "the cap (max_total_tokens: 28): " in refused.value.message
        assert f"spent are {spent} tokens, and it may take 19 tokens" in refused.value.message
        assert f"{spent // 4} of 6 requests were answered and are kept" in refused.value.hint
        assert len(kept_files()) == len(endpoint.requests)
        # Another run with as much to spend gets as far again, for what is kept costs nothing.
        assert texts(make(endpoint, max_tokens=10, max_total_tokens=100), *"abcdef") == ["three short words"] * 6
        assert len(endpoint.requests) == 6


def test_the_cap_on_money_counts_both_prices(make: Make) -> None:
    with ScriptedEndpoint("three short words") as endpoint:
        prices = {"price_in": 1_000_000, "price_out": 2_000_000}
        # A request costs 1 + 2 * 3 and might cost 9 + 2 * 10.
        with pytest.raises(GateRefused, match=r"max_cost: 40\.0.*spent are 8 tokens \(14\.0000\)"):
            texts(make(endpoint, max_tokens=10, max_cost=40, concurrency=1, **prices), *"abcd")
        assert len(endpoint.requests) == 2


def test_streaming_counts_against_the_cap_too(make: Make) -> None:
    with ScriptedEndpoint("three short words") as endpoint:
        engine = make(endpoint, max_tokens=10, max_total_tokens=25)
        assert "".join(engine.stream_text(asked("a"))).strip() == "three short words"
        with pytest.raises(GateRefused):
            list(engine.stream_text(asked("b")))


def test_an_answer_without_usage_is_counted_by_its_length(make: Make) -> None:
    body = json.dumps({"choices": [{"message": {"content": "x" * 30}, "finish_reason": "length"}]})
    with ScriptedEndpoint(faults=[Fault(body=body)]) as endpoint:
        (found,) = make(endpoint).complete([asked("y" * 30)])
    assert (found.tokens_in, found.tokens_out, found.finished) == (18, 10, False)


def test_an_answer_that_cannot_be_kept_stops_the_work(make: Make) -> None:
    folder = user_cache_path("loresmith") / "replies"
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way", encoding="utf-8")
    with ScriptedEndpoint() as endpoint, pytest.raises(ModelError, match="cannot be kept"):
        texts(make(endpoint), "a")
