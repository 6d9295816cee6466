from __future__ import annotations

from collections.abc import Sequence

from fake_parts import FakeEngine, FakeRetriever, chunk, fake_assistant
from loresmith.assistant.fitting import fitted
from loresmith.values import Message


class SmallEngine(FakeEngine):
    """Reads so many words, beside its reply."""

    def __init__(self, window: int) -> None:
        super().__init__("It is free [1].")
        self.window = window

    def room(self, messages: Sequence[Message]) -> int:
        return self.window - sum(len(message["content"].split()) for message in messages)


def passage(words: int, document: str, start: int = 0) -> str:
    return " ".join(f"{document[0].upper()}{n}." for n in range(words))


LONG, SHORT = chunk(passage(40, "long"), "long.md", title=""), chunk(passage(5, "short"), "short.md", 7, title="")


def ask(window: int, *hits: object, turns: int = 1) -> object:
    engine = SmallEngine(window)
    talk: list[Message] = [{"role": "user", "content": "How much?"}]
    for n in range(turns - 1):
        talk = [{"role": "user", "content": f"old {n}"}, {"role": "assistant", "content": "said"}, *talk]
    assistant = fake_assistant(engine=engine, retriever=FakeRetriever(*hits))  # type: ignore[arg-type]
    return assistant.answer([talk])[0].trace


def test_a_prompt_that_fits_is_left_alone() -> None:
    trace = ask(200, LONG, SHORT)
    assert [hit["document"] for hit in trace.passages] == ["long.md", "short.md"]  # type: ignore[attr-defined]
    assert trace.cut == []  # type: ignore[attr-defined]


def test_a_passage_that_does_not_fit_is_cut_and_a_smaller_one_behind_it_stays() -> None:
    trace = ask(40, SHORT, LONG, chunk(passage(3, "tiny"), "tiny.md", title=""))
    assert [hit["document"] for hit in trace.passages] == ["short.md", "tiny.md"]  # type: ignore[attr-defined]
    (cut,) = trace.cut  # type: ignore[attr-defined]
    assert (cut["document"], cut["why"].endswith("tokens more than the window has left")) == ("long.md", True)
    assert "L7." not in trace.prompt[-1]["content"]  # type: ignore[attr-defined]


def test_where_no_passage_fits_the_best_one_keeps_its_first_sentences() -> None:
    trace = ask(40, LONG)
    (hit,), (cut,) = trace.passages, trace.cut  # type: ignore[attr-defined]
    assert LONG.text.startswith(hit["text"])
    assert hit["text"].endswith(".")
    assert 0 < hit["end"] == cut["start"] < cut["end"] == LONG.end
    assert hit["text"] + cut["text"] == LONG.text


def test_old_turns_make_way_for_the_best_passage() -> None:
    trace = ask(66, LONG, turns=4)
    assert [hit["document"] for hit in trace.passages] == ["long.md"]  # type: ignore[attr-defined]
    assert any("oldest turns were left out" in note for note in trace.notes)  # type: ignore[attr-defined]


def test_an_engine_that_does_not_know_its_window_gets_all() -> None:
    (answer,) = fake_assistant(retriever=FakeRetriever(LONG, SHORT)).answer([[{"role": "user", "content": "?"}]])
    assert len(answer.trace.passages) == 2


def test_a_prompt_is_fitted_without_asking_the_engine_who_it_is() -> None:
    """That may be the hash of gigabytes, and every prompt is fitted by itself."""

    class Nameless(SmallEngine):
        @property
        def identity(self) -> str:  # type: ignore[override]
            raise AssertionError("it was asked")

    engine = Nameless(200)
    assert fitted(engine, lambda turns, _: list(turns), [{"role": "user", "content": "How much?"}], []).turns == 1
