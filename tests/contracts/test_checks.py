"""The conformance suite must find what it is there to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fake_parts import FakeEngine
from loresmith.errors import ModelError
from loresmith.specs import MetricSpec, Progress, ScoredAnswer
from loresmith.testing import (
    check_choosing_engine,
    check_chunker,
    check_engine,
    check_maker,
    check_metric,
    check_spec,
    check_store,
)
from loresmith.values import Chunk, Completion, Document, Example, Message, Sampling, Weights


class _Cutter:
    """Cuts in two, with a mistake to order."""

    def __init__(self, mistake: str = "") -> None:
        self.mistake = mistake

    def split(self, document: Document) -> list[Chunk]:
        text = document.text
        if not text.strip():
            return []
        middle = max(1, len(text) // 2)
        spans = [(0, middle), (middle, len(text))] if len(text) > 1 else [(0, 1)]
        spans = [(a, b) for a, b in spans if text[a:b].strip()]
        if self.mistake == "loses":
            spans = spans[:1]
        if self.mistake == "disorder":
            spans.reverse()
        shift = 1 if self.mistake == "shifted" else 0
        name = (lambda a: document.id) if self.mistake == "same ids" else (lambda a: f"{document.id}:{a}")
        return [Chunk(name(a), document.id, a + shift, b, text[a:b]) for a, b in spans]


def test_a_right_chunker_passes() -> None:
    check_chunker(_Cutter())


@pytest.mark.parametrize(
    ("mistake", "says"),
    [("loses", "in no chunk"), ("disorder", "not in order"), ("shifted", "not its span"), ("same ids", "the same id")],
)
def test_a_wrong_chunker_is_found_out(mistake: str, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_chunker(_Cutter(mistake))


class _Constant:
    def __init__(self, value: float | None) -> None:
        self.value = value

    def score(self, answer: ScoredAnswer) -> float | None:
        return self.value


class _Upside:
    def score(self, answer: ScoredAnswer) -> float | None:
        return min(1.0, len(answer.text) / 1000)


def test_a_score_beyond_one_is_found_out() -> None:
    check_metric(_Constant(1.0))
    with pytest.raises(AssertionError, match="between 0 and 1"):
        check_metric(_Constant(1.5))


def test_a_metric_that_prefers_poor_answers_is_found_out() -> None:
    with pytest.raises(AssertionError, match="a perfect answer scores"):
        check_metric(_Upside())


def test_a_spec_without_a_summary_is_found_out() -> None:
    with pytest.raises(AssertionError, match="no summary"):
        check_spec(MetricSpec(name="bare", summary=" ", build=lambda _options: _Constant(1.0)))


class _Forgetful:
    """A store that keeps nothing over a close."""

    def __init__(self) -> None:
        self.kept: dict[str, object] = {}

    def upsert(self, ids: Sequence[str], vectors: object) -> None:
        self.kept |= dict(zip(ids, vectors, strict=True))  # type: ignore[call-overload]

    def delete(self, ids: Sequence[str]) -> None:
        for name in ids:
            self.kept.pop(name, None)

    def search(self, vectors: object, k: int) -> list[list[tuple[str, float]]]:
        import numpy as np

        found = []
        for query in np.asarray(vectors):
            scores = {name: float(np.dot(query, vector)) for name, vector in self.kept.items()}  # type: ignore[call-overload]
            found.append(sorted(scores.items(), key=lambda entry: -entry[1])[:k])
        return found

    def vectors(self, ids: Sequence[str]) -> object:
        return [self.kept[name] for name in ids]

    def count(self) -> int:
        return len(self.kept)

    def ids(self) -> set[str]:
        return set(self.kept)

    def close(self) -> None:
        pass


def test_a_store_that_forgets_is_found_out() -> None:
    with pytest.raises(AssertionError, match="after reopening"):
        check_store(_Forgetful)


class _Restless:
    """A maker that makes something else at every call."""

    def __init__(self) -> None:
        self.calls = 0

    def make(self, examples: Sequence[Example], seed: int) -> list[Example]:
        self.calls += 1
        return [
            Example.of([*example.prompt, {"role": "assistant", "content": f"{self.calls}"}]) for example in examples
        ]


class _Speechless:
    def make(self, examples: Sequence[Example], seed: int) -> list[Example]:
        return [Example.of([*example.prompt, {"role": "assistant", "content": " "}]) for example in examples]


def test_a_maker_without_a_seed_or_without_replies_is_found_out() -> None:
    with pytest.raises(AssertionError, match="the same seed"):
        check_maker(_Restless())
    with pytest.raises(AssertionError, match="replies nothing"):
        check_maker(_Speechless())


class _Engine(FakeEngine):
    """An engine with a mistake to order."""

    def __init__(self, mistake: str = "") -> None:
        super().__init__(lambda prompt: f"about {prompt}")
        self.mistake = mistake
        self.drawn = 0

    def use(self, weights: Weights) -> None:
        if weights != Weights() and self.mistake != "takes anything":
            raise ModelError("there are no such weights")
        super().use(weights)

    def complete(
        self,
        conversations: Sequence[Sequence[Message]],
        progress: Progress | None = None,
        *,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        found = super().complete(conversations, progress)
        self.drawn += 1
        drawing = sampling is not None and self.mistake == "draws without seed"
        return [replace(each, text=f"{each.text} {self.drawn}") for each in found] if drawing else found

    def log_probabilities(
        self, conversations: Sequence[Sequence[Message]], options: Sequence[str]
    ) -> list[list[float]]:
        by_place = {option: -1.0 - place for place, option in enumerate(options)}
        by_name = {"A": -1.0, "B": -0.1 if self.mistake == "too sure" else -2.0, "No": -3.0}
        worth = by_place if self.mistake == "looks at the order" else by_name
        return [[worth[option] for option in options] for _ in conversations]


def test_a_right_engine_passes() -> None:
    check_engine(_Engine())
    check_choosing_engine(_Engine())


@pytest.mark.parametrize(
    ("mistake", "says"),
    [("takes anything", "must be refused with a ModelError"), ("draws without seed", "the same seed drew")],
)
def test_a_wrong_engine_is_found_out(mistake: str, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_engine(_Engine(mistake))


@pytest.mark.parametrize(
    ("mistake", "says"), [("too sure", "probabilities sum to"), ("looks at the order", "asked alone and backwards")]
)
def test_a_wrong_judge_is_found_out(mistake: str, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        check_choosing_engine(_Engine(mistake))
