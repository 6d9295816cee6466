"""The weight of the distance from the start: fixed, or adapted to a target (Ziegler et al., 2019, arXiv:1909.08593)."""

from __future__ import annotations

from dataclasses import dataclass

GAIN = 0.1
"""K_beta of the paper: the largest share by which the weight changes in a step is a fifth of this."""


@dataclass(slots=True)
class KlWeight:
    """beta, the weight of KL(policy || start) in the objective.

    Args:
        beta: Its present value.
        target: Nats a reply to hold; None keeps beta as it is.
    """

    beta: float
    target: float | None = None

    def observe(self, kl: float) -> None:
        """Move beta after a step: e = clamp((kl - target) / target, -0.2, 0.2);  beta <- beta (1 + 0.1 e).

        Args:
            kl: Distance measured in the step, in nats a reply.
        """
        if self.target is not None:
            error = min(0.2, max(-0.2, (kl - self.target) / self.target))
            self.beta *= 1 + GAIN * error
