"""How likely a reply begins with each of some options, from the likeliest first tokens that an endpoint tells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from loresmith.errors import ModelError

LEAST = 1e-9
"""Probability that is left for what was not told, where what was told sums to 1."""


def option_log_probabilities(first: Mapping[str, float], options: Sequence[str]) -> list[float]:
    """Return for each option the log-probability (nats) that the first token begins it.

    Tokens are compared without the white space around them: " A", "A" and "A." all begin "A", and "Ye" begins "Yes".
    An option that no token begins gets the most it can have: no more than the least likely token that was told, and no
    more than what they all leave.

    Args:
        first: Log-probabilities (nats) of the likeliest first tokens.
        options: Distinct texts.

    Raises:
        ModelError: If a token begins several options.
    """
    found: list[list[float]] = [[] for _ in options]
    for token, value in first.items():
        begun = [place for place, option in enumerate(options) if _begins(token.strip(), option.strip())]
        if len(begun) > 1:
            names = " and ".join(f'"{options[place]}"' for place in begun)
            raise ModelError(
                f'{names} both begin with "{token}", and an endpoint tells the likelihood of one token only',
                "Give options that differ in their first token, such as letters.",
            )
        for place in begun:
            found[place].append(value)
    rest = max(1 - sum(map(math.exp, first.values())), LEAST)
    most = min(*first.values(), math.log(rest))
    return [math.log(sum(map(math.exp, values)) or LEAST) if values else most for values in found]


def _begins(token: str, option: str) -> bool:
    if not token:
        return False
    return option.startswith(token) or (token.startswith(option) and not token[len(option)].isalnum())
