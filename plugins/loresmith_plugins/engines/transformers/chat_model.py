"""The engine on this machine: batched decoding, adapters and whole weights swapped in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from pydantic import PrivateAttr

from loresmith.errors import DataError, Problem
from loresmith.runs.hashes import base_hash
from loresmith.specs import Progress
from loresmith.values import Completion, Message, Sampling, Weights, content_hash
from loresmith_plugins.engines.chat_model import ChatModel
from loresmith_plugins.engines.transformers.choosing import option_log_probabilities
from loresmith_plugins.engines.transformers.decode import Decoder
from loresmith_plugins.engines.transformers.load import LoadedModel
from loresmith_plugins.engines.transformers.weights import WeightsInUse


class TransformersChatModel(ChatModel):
    """A causal language model on this machine, loaded when it is first asked. Greedy, or drawn by a seed."""

    folder: Path
    max_tokens: int
    batch_tokens: int
    _weights: WeightsInUse = PrivateAttr()

    @classmethod
    def load(cls, folder: Path, *, max_tokens: int, batch_tokens: int) -> TransformersChatModel:
        """Make the engine of the model in `folder`."""
        engine = cls(folder=folder, max_tokens=max_tokens, batch_tokens=batch_tokens)
        engine._weights = WeightsInUse(folder)
        return engine

    @cached_property
    def identity(self) -> str:
        """Hash of the base and of the longest reply, whatever weights are in use."""
        return content_hash(base_hash(self.folder), str(self.max_tokens))

    def use(self, weights: Weights) -> None:
        """Switch to other weights, or to the base alone with `Weights()`.

        Raises:
            ModelError: If they cannot be loaded.
        """
        self._weights.use(weights)

    def render(self, messages: Sequence[Message]) -> str:
        """Return the text of the prompt exactly as the model will read it."""
        return self._weights.loaded().format.render(messages)

    def room(self, messages: Sequence[Message]) -> int:
        """Return how many tokens this prompt and the longest reply leave of the model's window."""
        model = self._weights.loaded()
        return model.window - self.max_tokens - len(model.format.prompt_ids(messages))

    def complete(
        self,
        conversations: Sequence[Sequence[Message]],
        progress: Progress | None = None,
        *,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        """Return one completion a conversation, in the order given.

        Raises:
            DataError: If prompts do not fit the model's window; all of them are named.
        """
        if not conversations:
            return []
        model = self._weights.loaded()
        prompts = self._prompts(model, conversations, self.max_tokens)
        rows = self._decoder(model, sampling).decode(prompts, progress)
        texts = model.format.tokenizer.batch_decode([row.reply for row in rows], skip_special_tokens=True)
        return [
            Completion(text.strip(), len(row.prompt), len(row.reply), row.seconds, row.finished)
            for text, row in zip(texts, rows, strict=True)
        ]

    def stream_text(self, messages: Sequence[Message]) -> Iterator[str]:
        """Yield the reply to one conversation piece by piece; characters whole, but for one that the end cuts off."""
        model = self._weights.loaded()
        (prompt,) = self._prompts(model, [messages], self.max_tokens)
        ids: list[int] = []
        shown = text = ""
        for token in self._decoder(model).stream(prompt):
            ids.append(token)
            text = model.format.tokenizer.decode(ids, skip_special_tokens=True)
            if not text.endswith("\N{REPLACEMENT CHARACTER}"):
                yield text[len(shown) :]
                shown = text
        if text != shown:
            yield text[len(shown) :]

    def log_probabilities(
        self, conversations: Sequence[Sequence[Message]], options: Sequence[str]
    ) -> list[list[float]]:
        """Return for each conversation the log-probability (nats) that its reply begins with each option's tokens.

        Raises:
            DataError: If prompts do not fit the model's window; all of them are named.
        """
        if not conversations or not options:
            return [[] for _ in conversations]
        model = self._weights.loaded()
        ids = [model.format.reply_ids(option) for option in options]
        prompts = self._prompts(model, conversations, max(map(len, ids)))
        return option_log_probabilities(model.model, prompts, ids, self.batch_tokens)

    def _decoder(self, model: LoadedModel, sampling: Sampling | None = None) -> Decoder:
        return Decoder(model.model, model.format.eos_ids, self.max_tokens, self.batch_tokens, sampling)

    def _prompts(self, model: LoadedModel, conversations: Sequence[Sequence[Message]], reply: int) -> list[list[int]]:
        """Return the token ids of prompts that leave so many tokens to reply."""
        prompts = [model.format.prompt_ids(messages) for messages in conversations]
        room = model.window - reply
        problems = [
            Problem(f"the prompt has {len(prompt)} tokens; the model reads {room} and keeps {reply} to reply",
                    key=f"question {i + 1}", hint="Retrieve fewer or smaller passages, or shorten the question.")
            for i, prompt in enumerate(prompts)
            if len(prompt) > room
        ]  # fmt: skip
        if problems:
            raise DataError("prompts do not fit the window of the model", problems)
        return prompts

    @property
    def _llm_type(self) -> str:
        return "loresmith-transformers"
