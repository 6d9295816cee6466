"""What a recipe may ask of `rlhf`, and what is refused before anything is loaded."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from loresmith_plugins.methods.rlhf import RlhfOptions


@pytest.mark.parametrize(
    ("reward", "entries"),
    [
        ("token_f1", [{"kind": "token_f1", "weight": 1.0}]),
        ({"stage": 1}, [{"stage": 1, "weight": 1.0}]),
        (
            [
                {"kind": "pattern", "expression": "^A", "weight": 0.5},
                "token_f1",
                {"stage": 0, "run": "r1", "weight": 2},
            ],
            [
                {"kind": "pattern", "expression": "^A", "weight": 0.5},
                {"kind": "token_f1", "weight": 1.0},
                {"stage": 0, "run": "r1", "weight": 2},
            ],
        ),
    ],
)
def test_a_reward_is_a_metric_a_reward_model_or_several(reward: Any, entries: list[dict[str, Any]]) -> None:
    assert RlhfOptions(reward=reward).rewards == entries


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"reward": []}, "a reward is wanted"),
        ({"reward": {"weight": 2}}, "a reward is {kind: METRIC, ...} or {stage: N}"),
        ({"reward": {"kind": "token_f1", "stage": 1}}, "a reward is {kind: METRIC, ...} or {stage: N}"),
        ({"reward": {"stage": -1}}, "a stage is a number, the first one 0, not -1"),
        ({"reward": {"stage": 1, "wieght": 2}}, 'takes the keys stage, run and weight, not "wieght"'),
        ({"reward": {"kind": "token_f1", "weight": "much"}}, "a weight is a number, not 'much'"),
        ({"algorithm": "grpo", "samples": 1}, "grpo compares the replies to one prompt: samples must be 2 or more"),
        ({"kl": 0, "kl_target": 6}, "kl_target adapts the weight kl, which must be above 0"),
        ({"adapter": "none"}, "rlhf trains adapters beside whole weights"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        RlhfOptions.model_validate(options)
    assert says in str(refused.value)


def test_ppo_needs_one_reply_a_prompt() -> None:
    assert RlhfOptions(algorithm="ppo", samples=1).samples == 1
