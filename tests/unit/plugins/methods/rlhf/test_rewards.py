"""Several rewards add up; what does not apply adds nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from loresmith.specs import ScoredAnswer
from loresmith.testing import SAMPLE_EXAMPLES, stage_context
from loresmith_plugins.methods.rlhf.rewards import Rewards


class Length:
    def score(self, answer: ScoredAnswer) -> float:
        return len(answer.text)


class Declined:
    def score(self, answer: ScoredAnswer) -> float | None:
        return None if answer.example.answerable else float(answer.refused)


METRICS = {"length": Length, "declined": Declined}


def rewards(folder: Path, *entries: dict[str, Any], **doors: Any) -> Rewards:
    context = stage_context(folder, folder, metric=lambda entry: METRICS[entry["kind"]](), **doors)
    return Rewards.of(entries, context)


def test_rewards_are_added_up_by_weight_and_marks_are_not_scored(tmp_path: Path) -> None:
    both = rewards(tmp_path, {"kind": "length", "weight": 2.0}, {"kind": "declined", "weight": -1.0})
    declining = SAMPLE_EXAMPLES[1].reply
    assert both.score(SAMPLE_EXAMPLES, ["four [1]", declining]) == [8.0, 2.0 * len(declining) - 1.0]


def test_a_reply_to_which_no_reward_applies_has_none(tmp_path: Path) -> None:
    only = rewards(tmp_path, {"kind": "declined", "weight": 1.0})
    assert only.score(SAMPLE_EXAMPLES, ["At nine.", "At nine."]) == [None, 0.0]


def test_a_reward_model_reads_the_conversation_as_it_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []

    class Model:
        def score(self, conversations: Sequence[Any]) -> list[float]:
            read.extend(conversations)
            return [0.25] * len(conversations)

    opened: list[Any] = []
    module = ModuleType("loresmith_plugins.methods.reward.model")
    module.load_reward = lambda folder: opened.append(folder) or Model()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)

    wanted = {"stage": 1, "run": "monday", "weight": 4.0}
    model = rewards(tmp_path, wanted, trained=lambda number, run: tmp_path / f"{run}-{number}")
    assert model.score(SAMPLE_EXAMPLES[:1], ["At ten."]) == [1.0]
    assert opened == [tmp_path / "monday-1" / "reward"]
    assert [(message["role"], message["content"]) for message in read[0]] == [
        ("system", "You answer."),
        ("user", SAMPLE_EXAMPLES[0].question),
        ("assistant", "At ten."),
    ]
