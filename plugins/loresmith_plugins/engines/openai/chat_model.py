"""The engine behind an endpoint."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import PrivateAttr

from loresmith.assistant.control_tokens import without_control_tokens
from loresmith.errors import ModelError
from loresmith.specs import Progress
from loresmith.values import Completion, Message, Sampling, Weights, content_hash
from loresmith_plugins.engines.chat_model import ChatModel
from loresmith_plugins.engines.openai import OpenAIOptions
from loresmith_plugins.engines.openai.answers import Choice
from loresmith_plugins.engines.openai.asking import Answer, Asking, Wanted
from loresmith_plugins.engines.openai.choosing import option_log_probabilities
from loresmith_plugins.engines.openai.key import read_key
from loresmith_plugins.engines.openai.spending import Tokens

BYTES_PER_TOKEN = 3.5
"""A cautious rule of thumb, for the endpoint's tokenizer is not here: English has about 4, code and figures fewer."""

TOKENS_PER_TURN = 6
"""What a chat template puts around a turn."""


class OpenAIChatModel(ChatModel):
    """A model behind an OpenAI-compatible endpoint. Holds the name of the key's environment variable, never the key."""

    options: OpenAIOptions
    _asking: Asking = PrivateAttr()

    @classmethod
    def of(cls, options: OpenAIOptions) -> OpenAIChatModel:
        """Make the engine; nothing is asked yet.

        Raises:
            ModelError: If the environment variable of the key is not set.
        """
        read_key(options.key_env)
        engine = cls(options=options)
        engine._asking = Asking(options)
        return engine

    @property
    def identity(self) -> str:
        """Hash of the endpoint, its model and the settings that shape a reply."""
        options = self.options
        return content_hash(options.url, options.model, str(options.max_tokens), json.dumps(options.extra))

    def use(self, weights: Weights) -> None:
        """Take `Weights()` alone: an endpoint generates with weights of its own.

        Raises:
            ModelError: For any others.
        """
        if weights != Weights():
            raise ModelError(
                f'the engine "openai" cannot generate with "{weights.adapter or weights.model}": the model '
                f'"{self.options.model}" at {self.options.url} has weights of its own',
                "Use the engine `transformers` for what was trained, or let a server serve it under a name of its own.",
            )

    def render(self, messages: Sequence[Message]) -> str:
        """Return the conversation as it is sent; the template in which the model reads it is the endpoint's."""
        return "\n\n".join(f"{message['role']}: {message['content']}" for message in messages)

    def room(self, messages: Sequence[Message]) -> int:
        """Return how many tokens this prompt and the longest reply leave of the option `window`, by an estimate."""
        if self.options.window is None:
            return 0
        characters = sum(len(message["content"].encode()) for message in messages)
        read = math.ceil(characters / BYTES_PER_TOKEN) + TOKENS_PER_TURN * (len(messages) + 1)
        return self.options.window - self.options.max_tokens - read

    def complete(
        self,
        conversations: Sequence[Sequence[Message]],
        progress: Progress | None = None,
        *,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        """Return one completion a conversation, in the order given; like requests are sent once.

        Raises:
            ModelError: If the endpoint does not answer; what it has answered is kept.
            GateRefused: If the next request could go over the cap; what was answered is kept.
        """
        bodies = [
            self._body(messages, _greedy() if sampling is None else _drawn(sampling, position))
            for position, messages in enumerate(conversations)
        ]
        return [Completion(**answer) for answer in self._asking.answers(bodies, COMPLETION, progress)]

    def stream_text(self, messages: Sequence[Message]) -> Iterator[str]:
        """Yield the reply piece by piece; one that is kept comes whole.

        Raises:
            ModelError, GateRefused: As `complete`.
        """
        found = self._asking.streamed(self._body(messages, _greedy()), COMPLETION)
        yield from (found["text"],) if isinstance(found, dict) else found

    def log_probabilities(
        self, conversations: Sequence[Sequence[Message]], options: Sequence[str]
    ) -> list[list[float]]:
        """Return for each conversation the log-probability (nats) that its reply begins with each of the options.

        Only first tokens are told, and only the likeliest; see `option_log_probabilities` for what comes of that.

        Raises:
            ModelError: If the endpoint tells none, or does not answer.
            GateRefused: If the next request could go over the cap.
        """
        judging = {**_greedy(), "max_tokens": 1, "logprobs": True, "top_logprobs": self.options.top_logprobs}
        bodies = [self._body(messages, judging) for messages in conversations]
        answers = self._asking.answers(bodies, Wanted(frozenset({"first"}), self._first))
        return [option_log_probabilities(answer["first"], options) for answer in answers]

    def _first(self, choice: Choice, _took: Tokens, _seconds: float) -> Answer:
        if choice.first is None:
            raise ModelError(
                f'the endpoint "{self.options.url}" with the model "{self.options.model}" tells no log-probabilities',
                "A judge needs an endpoint with `logprobs` and `top_logprobs`, or the engine `transformers`.",
            )
        return {"first": dict(choice.first)}

    def _body(self, messages: Sequence[Message], how: Mapping[str, Any]) -> dict[str, Any]:
        # The template that puts these into one text is the endpoint's, and may read control tokens in them as such.
        plain = [
            {"role": message["role"], "content": without_control_tokens(message["content"])} for message in messages
        ]
        return {"model": self.options.model, "messages": plain, "max_tokens": self.options.max_tokens, **how}

    @property
    def _llm_type(self) -> str:
        return "loresmith-openai"


def _completed(choice: Choice, took: Tokens, seconds: float) -> Answer:
    return {
        "text": choice.text.strip(),
        "tokens_in": took.read,
        "tokens_out": took.written,
        "seconds": seconds,
        "finished": choice.finished,
    }


COMPLETION = Wanted(frozenset({"text", "tokens_in", "tokens_out", "seconds", "finished"}), _completed)


def _greedy() -> dict[str, Any]:
    return {"temperature": 0}


def _drawn(sampling: Sampling, position: int) -> dict[str, Any]:
    """Return the settings of a drawn reply; its seed, 28 bits, is the position's own."""
    seed = int(content_hash(str(sampling.seed), str(position))[:7], 16)
    return {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": seed}
