"""When a look shows reward hacking."""

from __future__ import annotations

import pytest

from loresmith_plugins.methods.rlhf import RlhfOptions
from loresmith_plugins.methods.rlhf.watch import Look

OPTIONS = RlhfOptions(length_limit=2.0, kl_limit=10.0)
START = Look(reward=0.2, kl=0.0, reply_tokens=20.0, right=(True,) * 8 + (False,) * 4)


def seen(kl: float = 5.0, tokens: float = 30.0, right: tuple[bool, ...] = START.right) -> list[str]:
    return Look(0.9, kl, tokens, right).signs(START, OPTIONS)


def test_a_higher_reward_near_the_start_is_no_sign() -> None:
    assert seen() == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tokens": 40.1}, "replies grew from 20 to 40 tokens"),
        ({"kl": 10.1}, "the distance from the start is 10.1 nats a reply"),
        ({"right": (True,) * 5 + (False,) * 7}, "held-out pair accuracy fell from 0.67 to 0.42"),
    ],
)
def test_each_sign_is_told_with_its_figures(changes: dict[str, float], says: str) -> None:
    assert seen(**changes) == [says]  # type: ignore[arg-type]


def test_a_fall_of_pair_accuracy_within_its_noise_is_none() -> None:
    # Two lost and none gained may be chance: 2 < 1.64 · √2; so may five lost and two gained: 3 < 1.64 · √7.
    assert seen(right=(False,) * 2 + (True,) * 6 + (False,) * 4) == []
    assert seen(right=(False,) * 5 + (True,) * 3 + (True,) * 2 + (False,) * 2) == []
    assert seen(right=(False,) * 6 + (True,) * 2 + (True,) * 1 + (False,) * 3) == [
        "held-out pair accuracy fell from 0.67 to 0.25"
    ]


def test_without_pairs_there_is_no_accuracy() -> None:
    start = Look(0.1, 0.0, 10.0, ())
    assert start.pair_accuracy is None
    assert Look(0.2, 1.0, 11.0, ()).signs(start, OPTIONS) == []
