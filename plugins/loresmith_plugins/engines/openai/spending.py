"""What an endpoint has cost, and the cap that no request may go over."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loresmith.errors import GateRefused
from loresmith_plugins.engines.openai import OpenAIOptions


@dataclass(slots=True)
class Tokens:
    """Tokens read and written."""

    read: int = 0
    written: int = 0


class Spending:
    """Counts tokens and money of one engine. A request sets aside what it may cost at most until it is known.

    What a prompt will cost is an estimate; the endpoint's own count takes its place with the answer.
    """

    def __init__(self, options: OpenAIOptions) -> None:
        self.spent = Tokens()
        self._options = options
        self._aside = Tokens()
        self._settled = threading.Condition()

    @contextmanager
    def for_one(self, most: Tokens) -> Iterator[Tokens]:
        """Give the tokens of one request to be filled in; what the block leaves in them is spent.

        Waits while requests under way hold what may be left over.

        Raises:
            GateRefused: If the request could go over the cap.
        """
        with self._settled:
            self._settled.wait_for(lambda: self._fits(most) or self._aside == Tokens())
            if not self._fits(most):
                raise self._refusal(most)
            self._aside = _sum(self._aside, most)
        took = Tokens()
        try:
            yield took
        finally:
            with self._settled:
                self._aside = Tokens(self._aside.read - most.read, self._aside.written - most.written)
                self.spent = _sum(self.spent, took)
                self._settled.notify_all()

    def _fits(self, most: Tokens) -> bool:
        after = _sum(_sum(self.spent, self._aside), most)
        tokens, money = self._options.max_total_tokens, self._options.max_cost
        return (tokens is None or after.read + after.written <= tokens) and (
            money is None or self._cost(after) <= money
        )

    def _cost(self, tokens: Tokens) -> float:
        price_in, price_out = self._options.price_in or 0.0, self._options.price_out or 0.0
        return (tokens.read * price_in + tokens.written * price_out) / 1e6

    def _refusal(self, most: Tokens) -> GateRefused:
        caps = {"max_total_tokens": self._options.max_total_tokens, "max_cost": self._options.max_cost}
        named = ", ".join(f"{name}: {cap:,}" for name, cap in caps.items() if cap is not None)
        return GateRefused(
            f'the next request to "{self._options.model}" at {self._options.url} could go over the cap ({named}): '
            f"spent are {self._words(self.spent)}, and it may take {self._words(most)}"
        )

    def _words(self, tokens: Tokens) -> str:
        words = f"{tokens.read + tokens.written:,} tokens"
        return words if self._options.price_in is None else f"{words} ({self._cost(tokens):.4f})"


def _sum(one: Tokens, other: Tokens) -> Tokens:
    return Tokens(one.read + other.read, one.written + other.written)
