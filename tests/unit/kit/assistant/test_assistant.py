from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_parts import DOGS, FARES, FakeEngine, FakeRetriever, chunk, fake_assistant, fake_lookup
from loresmith.assistant.assistant import Assistant
from loresmith.assistant.declines import Declines
from loresmith.assistant.prompt import assemble
from loresmith.errors import PluginFailed, UsageError
from loresmith.hooks import hookimpl
from loresmith.host import PluginHost
from loresmith.rungs import PARTS, RUNGS
from loresmith.specs import Engine, Retriever
from loresmith.values import Answer, Example, Hit, Message, Trace, Weights


def ask(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def host_with(**hooks: Callable[..., None]) -> PluginHost:
    host = PluginHost(points=[])
    plugin = type("Watcher", (), {name: staticmethod(hookimpl(function)) for name, function in hooks.items()})()
    status = host.add(plugin, "watcher")
    assert status.state == "loaded", status.error
    return host


def test_the_fakes_are_what_they_stand_for() -> None:
    assert isinstance(FakeEngine(), Engine)
    assert isinstance(FakeRetriever(), Retriever)


def test_questions_are_looked_up_and_answered_in_one_batch() -> None:
    retriever = FakeRetriever(by_query={"fare?": [chunk(FARES)], "dog?": [chunk(DOGS, "dogs.md", 50)]})
    engine = FakeEngine(
        lambda prompt: "A dog in a cabin pays 6.00 marks [1]." if "dog?" in prompt else "9.40 marks [1]."
    )
    fares, dogs = fake_assistant("hybrid", engine, retriever).answer([ask("fare?"), ask("dog?")])
    assert retriever.batches == [["fare?", "dog?"]]
    assert len(engine.calls) == 1
    assert (fares.citations[0].document, dogs.citations[0].document) == ("fares.md", "dogs.md")
    assert dogs.citations[0].quote == "A dog in a cabin pays 6.00 marks."
    assert dogs.citations[0].start == 50 + DOGS.index("A dog")


@pytest.mark.parametrize("rung", RUNGS)
def test_a_rung_uses_its_parts_and_no_others(rung: str) -> None:
    demonstration = Example.of([*ask("Bike?"), {"role": "assistant", "content": "Free."}])
    engine, retriever = FakeEngine(), FakeRetriever(chunk(FARES))
    trained = Weights(adapter=Path("a"))
    host = PluginHost(points=[])
    lookup = fake_lookup(retriever, host)
    assistant = Assistant(engine, lookup, rung, "I", [demonstration], trained, Declines(), host)
    [answer] = assistant.answer([ask("fare?")])
    weights, [prompt] = engine.calls[0]
    parts = PARTS[rung]
    assert weights == (trained if parts.trained else Weights())
    assert prompt == assemble(
        "I",
        ask("fare?"),
        [chunk(FARES)] if parts.passages else [],
        [demonstration] if parts.demonstrations else [],
    )
    assert answer.trace.prompt == prompt
    assert bool(retriever.batches) == parts.passages


def test_the_weights_are_set_anew_when_rungs_share_an_engine() -> None:
    engine = FakeEngine()
    tuned, plain = fake_assistant("tuned", engine), fake_assistant("prompt", engine)
    for assistant in (tuned, plain, tuned):
        assistant.answer([ask("a")])
    list(plain.stream(ask("a")))
    trained = Weights(adapter=Path("adapter"))
    assert [weights for weights, _ in engine.calls] == [trained, Weights(), trained, Weights()]


@pytest.mark.parametrize(
    ("rung", "lacking"), [("rag", "no index"), ("hybrid", "no index"), ("tuned", "nothing is trained")]
)
def test_a_rung_without_its_part_is_refused(rung: str, lacking: str) -> None:
    with pytest.raises(UsageError, match=lacking):
        Assistant(FakeEngine(), None, rung, "I", [], None, Declines(), PluginHost(points=[]))


def test_the_trace_tells_all_and_is_json() -> None:
    talk: list[Message] = [*ask("How much is a dog?"), {"role": "assistant", "content": "Free."}, *ask("and a cat?")]
    [answer] = fake_assistant(engine=FakeEngine("9.40 marks [1][7]."), notes=["old index"]).answer([talk])
    trace = answer.trace
    assert (trace.question, trace.query) == ("and a cat?", "How much is a dog? and a cat?")
    assert [hit["document"] for hit in trace.retrieved] == ["fares.md", "dogs.md"]
    assert [hit["n"] for hit in trace.passages] == [1, 2]
    assert trace.retrieved[0]["scores"] == {"dense": 0.5}
    assert trace.settings == {"citations": "mark", "injection": "mark"}
    assert trace.cited == [1]
    assert trace.notes == [
        "old index",
        "searched for what the question means in the conversation, not for its words alone",
        "the reply cites [7], and there were 2 passages",
    ]
    assert list(answer.to_json()) == ["answer", "citations", "refused", "rung", "trace"]
    assert json.loads(json.dumps(answer.to_json(), allow_nan=False))["trace"]["prompt"][0]["role"] == "system"


def test_refusals_are_noted_and_cost_is_kept() -> None:
    [answer] = fake_assistant(engine=FakeEngine(" The papers do not say. Next: ring the desk.\n")).answer(
        [ask("parrot?")]
    )
    assert answer.refused
    assert answer.answer == "The papers do not say. Next: ring the desk."
    assert (answer.tokens_in, answer.tokens_out) == (10, 5)
    assert answer.seconds >= 0.5


def test_no_questions_no_answers() -> None:
    engine = FakeEngine()
    assert fake_assistant(engine=engine).answer([]) == []
    assert engine.calls == []


def test_nothing_found_asks_the_bare_question() -> None:
    engine = FakeEngine("9.40 marks [1].")
    [answer] = fake_assistant(engine=engine, retriever=FakeRetriever()).answer([ask("fare?")])
    assert engine.calls[0][1][0][-1]["content"] == "fare?"
    assert answer.citations == []
    assert answer.trace.notes == ["the reply cites [1], and there were no passages"]


def test_plugins_drop_and_reorder_hits() -> None:
    def filter_hits(query: str, hits: list[Hit], trace: Trace) -> None:
        hits[:] = [hit for hit in hits if hit.chunk.document != "fares.md"]

    [answer] = fake_assistant(host=host_with(filter_hits=filter_hits)).answer([ask("fare?")])
    assert [hit["document"] for hit in answer.trace.retrieved] == ["fares.md", "dogs.md"]
    assert [hit["document"] for hit in answer.trace.filtered] == ["fares.md"]
    assert [hit["document"] for hit in answer.trace.passages] == ["dogs.md"]
    assert "[1] Dogs:" in answer.trace.prompt[-1]["content"]
    assert "9.40" not in answer.trace.prompt[-1]["content"]


def test_a_filter_that_fails_lets_nothing_through() -> None:
    def filter_hits(query: str) -> None:
        raise RuntimeError("no rights table")

    with pytest.raises(PluginFailed, match="no rights table"):
        fake_assistant(host=host_with(filter_hits=filter_hits)).answer([ask("fare?")])


def test_plugins_check_answers_and_one_that_fails_does_not_take_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def check_answer(answer: Answer, trace: Trace) -> None:
        trace.notes.append("seen")
        raise RuntimeError("oops")

    [answer] = fake_assistant(host=host_with(check_answer=check_answer)).answer([ask("fare?")])
    assert answer.trace.notes == ["seen"]
    assert answer.answer
    assert "oops" in capsys.readouterr().err


def test_streaming_gives_the_same_answer() -> None:
    reply = fake_assistant("hybrid").stream(ask("fare?"))
    assert "".join(reply) == "The single fare is 9.40 marks [1]."
    streamed, whole = reply.answer(), fake_assistant("hybrid").answer([ask("fare?")])[0]
    assert streamed.to_json() == whole.to_json()


def test_what_is_checked_comes_sentence_by_sentence_and_never_unchecked() -> None:
    said = "A single fare is 9.40 marks. Dogs travel free [1]. Ask the purser at the window."
    reply = fake_assistant(engine=FakeEngine(said)).stream(ask("fare?"))
    pieces = [piece for piece in reply if piece]
    whole = fake_assistant(engine=FakeEngine(said)).answer([ask("fare?")])[0]
    assert len(pieces) == 3
    assert "".join(pieces) == whole.answer == reply.answer().answer
    assert pieces[0].startswith("A single fare is 9.40 marks [1].")
    assert reply.answer().to_json() == whole.to_json()


def test_where_citations_are_strict_nothing_is_shown_before_all_is_checked() -> None:
    said = "A single fare is 9.40 marks [1]. A return is 99 marks [1]."
    reply = fake_assistant(engine=FakeEngine(said), citations="strict").stream(ask("fare?"))
    pieces = [piece for piece in reply if piece]
    assert pieces == ["The papers do not say. Next: ring the desk."]


def test_a_stopped_reply_is_kept_as_far_as_it_came() -> None:
    engine = FakeEngine()
    engine.stop_after = 10
    reply = fake_assistant(engine=engine).stream(ask("fare?"))
    with pytest.raises(KeyboardInterrupt):
        list(reply)
    answer = reply.answer()
    assert answer.answer == "The single"
    assert answer.trace.notes == ["the reply was cut off before its end"]


def test_long_conversations_lose_their_beginning_and_say_so() -> None:
    long: Message = {"role": "assistant", "content": "word " * 1000}
    [answer] = fake_assistant("prompt", FakeEngine("ok")).answer([[*ask("first"), long, *ask("last")]])
    assert [m["content"] for m in answer.trace.prompt[1:]] == ["last"]
    assert answer.trace.notes == ["the 2 oldest turns were left out of the prompt"]
