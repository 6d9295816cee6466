"""Metric `brevity`: 1 for an answer of at most so many words, less for a longer one. And a room that shows them."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from loresmith.hooks import hookimpl
from loresmith.options import Options
from loresmith.specs import MetricSpec, ScoredAnswer, ScreenSpec

loresmith_api = 1


class BrevityOptions(Options):
    """What counts as short."""

    words: int = Field(default=60, ge=1, description="Longest answer that gets full marks")


class Brevity:
    """Scores `words / length` once an answer is longer than that."""

    def __init__(self, options: BrevityOptions) -> None:
        self._words = options.words

    def score(self, answer: ScoredAnswer) -> float | None:
        """Return a score between 0 and 1."""
        return min(1.0, self._words / max(1, len(answer.text.split())))


@hookimpl
def register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Register the metric."""
    register(MetricSpec(name="brevity", summary="Short answers score higher", options=BrevityOptions, build=Brevity))


def build_room() -> type:
    """Return the room; textual is imported by those alone who open the app."""
    from loresmith_brevity.screen import BrevityRoom

    return BrevityRoom


@hookimpl
def register_screens(register: Callable[[ScreenSpec], None]) -> None:
    """Register the room."""
    register(ScreenSpec(name="brevity", summary="How long the answers are, rung by rung", build=build_room))
