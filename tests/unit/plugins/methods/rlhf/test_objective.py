"""The arithmetic of PPO against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from loresmith_plugins.methods.rlhf.distance import KlWeight
from loresmith_plugins.methods.rlhf.objective import (
    advantages,
    clipped_share,
    policy_loss,
    token_rewards,
    value_loss,
    whitened,
)

MASK = torch.tensor([[True, True, True], [True, False, False]])


def test_every_token_pays_for_its_distance_and_the_last_one_gets_the_score() -> None:
    log_p = torch.tensor([[-1.0, -2.0, -3.0], [-0.5, 9.0, 9.0]])
    log_ref = torch.tensor([[-2.0, -2.0, -1.0], [-1.0, 7.0, 7.0]])
    found = token_rewards(torch.tensor([5.0, -2.0]), log_p, log_ref, MASK, beta=0.1)
    # -0.1 (1), -0.1 (0), -0.1 (-2) + 5; and -0.1 (0.5) - 2; padding earns nothing.
    assert torch.allclose(found, torch.tensor([[-0.1, 0.0, 5.2], [-2.05, 0.0, 0.0]]))


def test_advantages_and_returns_are_those_worked_out_by_hand() -> None:
    rewards = torch.tensor([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]])
    values = torch.tensor([[0.5, 1.0, 1.5], [2.0, 9.0, 9.0]])
    found, returns = advantages(rewards, values, MASK, gamma=0.9, lam=0.5)
    # delta_2 = 2 - 1.5 = 0.5; delta_1 = 1 + 0.9 · 1.5 - 1 = 1.35; delta_0 = 0 + 0.9 · 1 - 0.5 = 0.4
    # A_2 = 0.5; A_1 = 1.35 + 0.45 · 0.5 = 1.575; A_0 = 0.4 + 0.45 · 1.575 = 1.10875
    assert torch.allclose(found, torch.tensor([[1.10875, 1.575, 0.5], [1.0, 0.0, 0.0]]))
    assert torch.allclose(returns, torch.tensor([[1.60875, 2.575, 2.0], [3.0, 0.0, 0.0]]))


def test_without_decay_the_advantage_is_what_is_still_to_come_less_the_value() -> None:
    rewards = torch.tensor([[1.0, 2.0, 4.0]])
    values = torch.tensor([[0.5, -1.0, 3.0]])
    found, returns = advantages(rewards, values, MASK[:1], gamma=1.0, lam=1.0)
    assert torch.allclose(returns, torch.tensor([[7.0, 6.0, 4.0]]))
    assert torch.allclose(found, returns - values)


def test_whitened_advantages_have_mean_0_and_deviation_1_on_the_replies_alone() -> None:
    found = whitened(torch.tensor([[1.0, 2.0, 3.0], [6.0, 99.0, 99.0]]), MASK)
    # mean 3, variance (4 + 1 + 0 + 9) / 4
    deviation = math.sqrt(3.5)
    assert torch.allclose(found[0], torch.tensor([-2.0, -1.0, 0.0]) / deviation)
    assert torch.allclose(found[1], torch.tensor([3.0 / deviation, 0.0, 0.0]))


def test_the_policy_loss_takes_the_worse_of_the_ratio_and_the_clipped_one() -> None:
    ratios = torch.tensor([[1.5, 0.5, 1.5], [0.5, 1.0, 1.0]])
    gains = torch.tensor([[1.0, 1.0, -1.0], [-1.0, 50.0, 50.0]])
    found = policy_loss(ratios.log(), torch.zeros(2, 3), gains, MASK, clip=0.2)
    # min(1.5, 1.2) = 1.2; min(0.5, 0.8) = 0.5; min(-1.5, -1.2) = -1.5; min(-0.5, -0.8) = -0.8
    assert found.item() == pytest.approx(-(1.2 + 0.5 - 1.5 - 0.8) / 4)
    assert clipped_share(ratios.log(), torch.zeros(2, 3), MASK, clip=0.2) == 1.0


def test_what_is_clipped_has_no_gradient_and_what_is_not_has_that_of_the_ratio() -> None:
    log_p = torch.tensor([[0.0, math.log(1.5), math.log(0.5)]], requires_grad=True)
    loss = policy_loss(log_p, torch.zeros(1, 3), torch.tensor([[2.0, 2.0, -2.0]]), MASK[:1], clip=0.2)
    loss.backward()
    assert log_p.grad is not None
    assert torch.allclose(log_p.grad, torch.tensor([[-2.0 / 3, 0.0, 0.0]]))


def test_the_value_loss_takes_the_worse_of_the_value_and_the_clipped_one() -> None:
    values = torch.tensor([[1.0, 0.1, 0.0], [2.0, 9.0, 9.0]])
    old = torch.tensor([[0.0, 0.0, 0.0], [2.5, 0.0, 0.0]])
    returns = torch.tensor([[1.0, 1.0, -1.0], [2.0, 0.0, 0.0]])
    found = value_loss(values, old, returns, MASK, clip=0.2)
    # max(0, (0.2 - 1)²) = 0.64; max(0.81, 0.81); max(1, 1); max(0, (2.3 - 2)²) = 0.09
    assert found.item() == pytest.approx(0.5 * (0.64 + 0.81 + 1.0 + 0.09) / 4)


def test_the_weight_of_the_distance_follows_the_target_in_small_steps() -> None:
    weight = KlWeight(0.1, target=6.0)
    weight.observe(60.0)
    assert weight.beta == pytest.approx(0.1 * 1.02)
    weight.observe(0.0)
    assert weight.beta == pytest.approx(0.1 * 1.02 * 0.98)
    weight.observe(6.6)
    assert weight.beta == pytest.approx(0.1 * 1.02 * 0.98 * 1.01)
    fixed = KlWeight(0.1)
    fixed.observe(60.0)
    assert fixed.beta == 0.1
