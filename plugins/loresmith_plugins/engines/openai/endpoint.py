"""Asks one endpoint: what is lost or refused for now is asked again, anything else ends in a clear error."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import httpx

from loresmith.errors import ModelError
from loresmith_plugins.engines.openai import OpenAIOptions
from loresmith_plugins.engines.openai.answers import Choice, Garbage, parsed, piece_of, said
from loresmith_plugins.engines.openai.key import read_key, without_key
from loresmith_plugins.engines.openai.pace import Pace, backing_off, retry_after

FOR_NOW = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""Statuses after which the same request may be answered."""

AT_HOME = frozenset({"localhost", "127.0.0.1", "::1"})


class Stopped(Exception):
    """Not asked any more, as the work is over."""


class Again(Exception):
    """No answer for now, and why.

    Args:
        seconds: How long the endpoint asks to wait, or None where it does not say.
        limited: Whether it is asked too often, by all workers together.
    """

    def __init__(self, why: str, seconds: float | None = None, *, limited: bool = False) -> None:
        super().__init__(why)
        self.seconds, self.limited = seconds, limited


class Endpoint:
    """One model behind one URL. The key is read from the environment at every request and is kept nowhere."""

    def __init__(self, options: OpenAIOptions) -> None:
        self.options = options

    def client(self) -> httpx.Client:
        """Return a client for many requests, to be closed."""
        url = httpx.URL(self.options.url)
        return httpx.Client(
            timeout=self.options.timeout,
            limits=httpx.Limits(max_connections=self.options.concurrency),
            verify=self._certificates if url.scheme == "https" else False,
            # A proxy for the world does not know this machine.
            trust_env=url.host not in AT_HOME,
        )

    def ask(self, client: httpx.Client, body: Mapping[str, Any], pace: Pace) -> Choice:
        """Return what the endpoint answers.

        Raises:
            ModelError: If it gives no answer, at once or after all repetitions.
            Stopped: If the work is over.
        """
        attempt, answered = 0, pace.answered
        while pace.wait():
            try:
                choice = self._once(client, body)
            except Again as again:
                # Being told to wait while others are answered is the limit at work, not a failure.
                attempt = 1 if again.limited and pace.answered > answered else attempt + 1
                answered = pace.answered
                self._hold(again, attempt, pace)
            else:
                pace.note_answer()
                return choice
        raise Stopped

    def stream(self, body: Mapping[str, Any], pace: Pace) -> Iterator[str]:
        """Yield the pieces of a reply; until the first has come, what is lost is asked again.

        Raises:
            ModelError: If it gives no answer, or breaks off.
        """
        attempt = begun = 0
        with self.client() as client:
            while pace.wait():
                try:
                    for piece in self._pieces(client, body):
                        begun += 1
                        yield piece
                except Again as again:
                    if begun:
                        raise self._failure(f"broke off after {begun} pieces of a reply: {again}") from again
                    attempt += 1
                    self._hold(again, attempt, pace)
                else:
                    return

    def _once(self, client: httpx.Client, body: Mapping[str, Any]) -> Choice:
        with self._nothing_lost():
            response = client.post(self._place, content=json.dumps(body), headers=self._headers())
            self._refuse(response)
            return parsed(response.text)

    def _pieces(self, client: httpx.Client, body: Mapping[str, Any]) -> Iterator[str]:
        whole = json.dumps({**body, "stream": True})
        with (
            self._nothing_lost(),
            client.stream("POST", self._place, content=whole, headers=self._headers()) as response,
        ):
            if response.status_code != httpx.codes.OK or "event-stream" not in response.headers.get("Content-Type", ""):
                response.read()
                self._refuse(response)
                yield parsed(response.text).text
                return
            for line in response.iter_lines():
                if piece := piece_of(line):
                    yield piece

    @property
    def _place(self) -> str:
        return f"{self.options.url}/chat/completions"

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        # Some tenths of a second to make, so once for all clients.
        return httpx.create_ssl_context()

    def _headers(self) -> dict[str, str]:
        key = read_key(self.options.key_env)
        return {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}

    @contextmanager
    def _nothing_lost(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise Again(f"answers nothing within {self.options.timeout:g} seconds") from error
        except httpx.TransportError as error:
            raise Again(f"cannot be reached: {error or type(error).__name__}") from error
        except Garbage as error:
            raise Again(f"is not understood: {self._clean(str(error))}") from error

    def _refuse(self, response: httpx.Response) -> None:
        """Raise what the status of an answer calls for."""
        status = response.status_code
        if status == httpx.codes.OK:
            return
        words = self._clean(said(response.text))
        limited = status == httpx.codes.TOO_MANY_REQUESTS
        if status in FOR_NOW and not (limited and "insufficient_quota" in response.text):
            raise Again(f"answers {status}: {words}", retry_after(response.headers), limited=limited)
        raise self._failure(f"refuses, with status {status}: {words}", self._advice(status))

    def _hold(self, again: Again, attempt: int, pace: Pace) -> None:
        """Wait before attempt number `attempt` + 1, or give up."""
        if attempt > self.options.retries:
            times = "once" if attempt == 1 else f"{attempt} times"
            raise self._failure(
                f"{again} (asked {times})",
                "See whether it is up and the URL is right; `retries`, `timeout` and `concurrency` are the engine's.",
            ) from again
        if again.limited or again.seconds is not None:
            pace.hold_all(backing_off(attempt) if again.seconds is None else again.seconds)
        else:
            pace.back_off(attempt)

    def _failure(self, why: str, hint: str = "") -> ModelError:
        return ModelError(f'the endpoint "{self.options.url}" with the model "{self.options.model}" {why}', hint)

    def _advice(self, status: int) -> str:
        name = self.options.key_env
        if status in (401, 403):
            if name:
                return f'See whether the key in the environment variable "{name}" is valid and allowed this model.'
            return "Put a key into an environment variable and name that with `key_env`."
        if status == 404:
            return "See whether the endpoint lists `model`, and whether `url` ends where /chat/completions begins."
        if status == 429:
            return "The account has nothing left; waiting does not help."
        return "See what it says; `extra` adds fields to the request, or takes out those it does not know with null."

    def _clean(self, words: str) -> str:
        return without_key(words, self.options.key_env)
