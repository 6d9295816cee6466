"""The arithmetic of PPO on replies: rewards of tokens, advantages, losses. Tensors are (replies, tokens).

Proximal policy optimisation: Schulman et al., 2017, arXiv:1707.06347. Generalised advantage estimation: Schulman et
al., 2015, arXiv:1506.02438. On language, with the distance from the start taken off the reward: Ziegler et al., 2019,
arXiv:1909.08593. `mask` is True on the tokens of a reply, which stand in front; the others count for nothing.
"""

from __future__ import annotations

import torch


def token_rewards(
    scores: torch.Tensor, log_p: torch.Tensor, log_ref: torch.Tensor, mask: torch.Tensor, beta: float
) -> torch.Tensor:
    """Return r_t = - beta (log p(a_t) - log p_ref(a_t)), plus the reply's score at its last token.

    Args:
        scores: What each reply is worth, shape (replies,).
        log_p: Log-probabilities under the policy that sampled, in nats.
        log_ref: The same under the model as the stage found it.
        mask: The tokens of the replies; each has one or more.
        beta: Weight of the distance.
    """
    rewards = -beta * (log_p - log_ref) * mask
    last = mask.sum(dim=1) - 1
    return rewards.scatter_add(1, last[:, None], scores[:, None].to(rewards.dtype))


def advantages(
    rewards: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, gamma: float, lam: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return advantages and returns.

    delta_t = r_t + gamma V_{t+1} - V_t;  A_t = delta_t + gamma lam A_{t+1};  R_t = A_t + V_t. Nothing follows the last
    token of a reply: V and A are 0 there.
    """
    values = values * mask
    found = torch.zeros_like(rewards)
    after = next_value = torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        after = (delta + gamma * lam * after) * mask[:, t]
        found[:, t], next_value = after, values[:, t]
    return found, found + values


def whitened(advantages: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the advantages with mean 0 and deviation 1 over the tokens of all replies."""
    some = advantages[mask]
    return (advantages - some.mean()) / (some.std(correction=0) + 1e-8) * mask


def policy_loss(
    log_p: torch.Tensor, log_old: torch.Tensor, advantages: torch.Tensor, mask: torch.Tensor, clip: float
) -> torch.Tensor:
    """Return L = - mean over tokens of min(rho A, clamp(rho, 1 - clip, 1 + clip) A), rho = p(a_t) / p_old(a_t)."""
    ratio = (log_p - log_old).exp()
    gain = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -gain[mask].mean()


def value_loss(
    values: torch.Tensor, old: torch.Tensor, returns: torch.Tensor, mask: torch.Tensor, clip: float
) -> torch.Tensor:
    """Return L = 1/2 mean over tokens of max((V - R)^2, (V_old + clamp(V - V_old, -clip, clip) - R)^2)."""
    near = old + (values - old).clamp(-clip, clip)
    return 0.5 * torch.maximum((values - returns) ** 2, (near - returns) ** 2)[mask].mean()


def clipped_share(log_p: torch.Tensor, log_old: torch.Tensor, mask: torch.Tensor, clip: float) -> float:
    """Return the share of the tokens whose probability ratio is beyond 1 ± clip."""
    return float((((log_p - log_old).exp() - 1).abs() > clip)[mask].float().mean())
