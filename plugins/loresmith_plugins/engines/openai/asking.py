"""Asks for many answers at once: what is kept is not asked again, what is answered is kept and counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loresmith.errors import GateRefused, ModelError
from loresmith.specs import Progress
from loresmith_plugins.engines.openai import OpenAIOptions
from loresmith_plugins.engines.openai.answers import Choice
from loresmith_plugins.engines.openai.endpoint import Endpoint
from loresmith_plugins.engines.openai.kept import Kept
from loresmith_plugins.engines.openai.pace import Pace
from loresmith_plugins.engines.openai.spending import Spending, Tokens
from loresmith_plugins.engines.openai.workers import done_together

if TYPE_CHECKING:
    import httpx

Body = Mapping[str, Any]
"""A request without the options' `extra` fields."""

Answer = dict[str, Any]
"""What is kept of an answer; JSON-able."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of an answer.

    Args:
        fields: The fields that are kept.
        read: Makes them of the choice that was answered, the tokens and the seconds it took.
    """

    fields: frozenset[str]
    read: Callable[[Choice, Tokens, float], Answer]


class Asking:
    """All that is asked of one endpoint goes through here."""

    def __init__(self, options: OpenAIOptions) -> None:
        self.options = options
        self._endpoint, self._spending = Endpoint(options), Spending(options)
        self._kept = Kept(on=options.cache)

    def answers(self, bodies: Sequence[Body], wanted: Wanted, progress: Progress | None = None) -> list[Answer]:
        """Return one answer a request, in the order given; like requests are sent once.

        Raises:
            ModelError: If the endpoint does not answer; what it has answered is kept.
            GateRefused: If the next request could go over the cap; what was answered is kept.
        """
        keys = [self._key(body) for body in bodies]
        often, asked = Counter(keys), dict(zip(keys, bodies, strict=True))
        found = {key: kept for key in asked if (kept := self._kept.find(key, wanted.fields)) is not None}
        missing = {key: body for key, body in asked.items() if key not in found}
        done = sum(often[key] for key in found)
        if progress and done:
            progress(done, len(bodies))
        for key, answer in self._asked(missing, wanted) if missing else ():
            found[key] = answer
            done += often[key]
            if progress:
                progress(done, len(bodies))
        return [found[key] for key in keys]

    def streamed(self, body: Body, wanted: Wanted) -> Answer | Iterator[str]:
        """Return the answer if it is kept, or the pieces of the reply as they come; those are not kept.

        Raises:
            ModelError, GateRefused: As `answers`.
        """
        kept = self._kept.find(self._key(body), wanted.fields)
        return self._pieces(body) if kept is None else kept

    def _pieces(self, body: Body) -> Iterator[str]:
        most = _most(body)
        with self._spending.for_one(most) as took:
            took.read = most.read
            for piece in self._endpoint.stream(self._request(body), Pace()):
                took.written += 1
                yield piece

    def _asked(self, bodies: Mapping[str, Body], wanted: Wanted) -> Iterator[tuple[str, Answer]]:
        pace = Pace()
        with self._endpoint.client() as client:
            try:
                yield from done_together(
                    lambda key: self._ask(client, key, bodies[key], wanted, pace),
                    list(bodies),
                    self.options.concurrency,
                    pace,
                )
            except (ModelError, GateRefused) as error:
                error.hint = f"{error.hint} {self._what_is_kept(bodies, wanted)}".strip()
                raise

    def _ask(self, client: httpx.Client, key: str, body: Body, wanted: Wanted, pace: Pace) -> Answer:
        most = _most(body)
        with self._spending.for_one(most) as took:
            started = time.perf_counter()
            choice = self._endpoint.ask(client, self._request(body), pace)
            seconds = time.perf_counter() - started
            took.read = most.read if choice.tokens_in is None else choice.tokens_in
            took.written = about(choice.text) if choice.tokens_out is None else choice.tokens_out
        answer = wanted.read(choice, took, seconds)
        self._kept.keep(key, answer)
        return answer

    def _what_is_kept(self, bodies: Mapping[str, Body], wanted: Wanted) -> str:
        if not self.options.cache:
            return "What was answered is not kept, as `cache` is false."
        kept = sum(self._kept.find(key, wanted.fields) is not None for key in bodies)
        return (
            f"{kept} of {len(bodies)} requests were answered and are kept; the same command asks for the others only."
        )

    def _key(self, body: Body) -> str:
        # With the extra fields beside and not in it: one that is taken out still tells two requests apart.
        return self._kept.key(self.options.url, dict(body), self.options.extra)

    def _request(self, body: Body) -> Body:
        whole = {**body, **self.options.extra}
        return {name: value for name, value in whole.items() if value is not None}


def about(text: str) -> int:
    """Return how many tokens a text has about, rather more than fewer: three bytes each."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // 3)


def _most(body: Body) -> Tokens:
    """Return what a request takes at most; a message has some tokens around it."""
    read = sum(about(message["content"]) + 8 for message in body["messages"])
    return Tokens(read, int(body["max_tokens"]))
