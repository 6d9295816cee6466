"""The engine: a LangChain chat model, so that an assistant drops into anybody's chain, with batched greedy decoding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import PrivateAttr

from loresmith.errors import DataError, Problem
from loresmith.files import folder_hash
from loresmith.specs import Progress
from loresmith.values import Completion, Message, Role, content_hash
from loresmith_plugins.engines.transformers.adapters import Adapters
from loresmith_plugins.engines.transformers.decode import Decoder
from loresmith_plugins.engines.transformers.load import LoadedModel, load_model

ROLES: dict[str, Role] = {"human": "user", "ai": "assistant", "system": "system"}


class TransformersChatModel(BaseChatModel):
    """A causal language model on this machine. Decoding is greedy."""

    folder: Path
    max_tokens: int
    batch_tokens: int
    _loaded: LoadedModel = PrivateAttr()
    _adapters: Adapters = PrivateAttr()

    @classmethod
    def load(cls, folder: Path, *, max_tokens: int, batch_tokens: int) -> TransformersChatModel:
        """Load the model in `folder`."""
        engine = cls(folder=folder, max_tokens=max_tokens, batch_tokens=batch_tokens)
        engine._loaded = load_model(folder)
        engine._adapters = Adapters(engine._loaded.model)
        return engine

    @property
    def identity(self) -> str:
        """Hash of the weights and of the decoding settings, without adapters."""
        return content_hash(folder_hash(self.folder), str(self.max_tokens))

    def use_adapter(self, adapter: Path | None) -> None:
        """Switch to an adapter folder, or to the base alone with None."""
        self._adapters.use(adapter)

    def render(self, messages: Sequence[Message]) -> str:
        """Return the text of the prompt exactly as the model will read it."""
        return self._loaded.format.render(messages)

    def complete(
        self, conversations: Sequence[Sequence[Message]], progress: Progress | None = None
    ) -> list[Completion]:
        """Return one completion a conversation, in the order given.

        Raises:
            DataError: If prompts do not fit the model's window; all of them are named.
        """
        if not conversations:
            return []
        prompts = [self._loaded.format.prompt_ids(messages) for messages in conversations]
        self._refuse_too_long(prompts)
        rows = self._decoder().decode(prompts, progress)
        texts = self._loaded.format.tokenizer.batch_decode([row.reply for row in rows], skip_special_tokens=True)
        return [
            Completion(text.strip(), len(row.prompt), len(row.reply), row.seconds, row.finished)
            for text, row in zip(texts, rows, strict=True)
        ]

    def stream_text(self, messages: Sequence[Message]) -> Iterator[str]:
        """Yield the reply to one conversation piece by piece; characters whole, but for one that the end cuts off."""
        prompt = self._loaded.format.prompt_ids(messages)
        self._refuse_too_long([prompt])
        ids: list[int] = []
        shown = text = ""
        for token in self._decoder().stream(prompt):
            ids.append(token)
            text = self._loaded.format.tokenizer.decode(ids, skip_special_tokens=True)
            if not text.endswith("\N{REPLACEMENT CHARACTER}"):
                yield text[len(shown) :]
                shown = text
        if text != shown:
            yield text[len(shown) :]

    def _decoder(self) -> Decoder:
        return Decoder(self._adapters.model, self._loaded.format.eos_ids, self.max_tokens, self.batch_tokens)

    def _refuse_too_long(self, prompts: Sequence[Sequence[int]]) -> None:
        room = self._loaded.window - self.max_tokens
        problems = [
            Problem(f"the prompt has {len(prompt)} tokens; the model reads {room} and keeps {self.max_tokens} to reply",
                    key=f"question {i + 1}", hint="Retrieve fewer or smaller passages, or shorten the question.")
            for i, prompt in enumerate(prompts)
            if len(prompt) > room
        ]  # fmt: skip
        if problems:
            raise DataError("prompts do not fit the window of the model", problems)

    @property
    def _llm_type(self) -> str:
        return "loresmith-transformers"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **_: Any,
    ) -> ChatResult:
        completion = self.complete([_plain(messages)])[0]
        usage = {
            "input_tokens": completion.tokens_in,
            "output_tokens": completion.tokens_out,
            "total_tokens": completion.tokens_in + completion.tokens_out,
        }
        message = AIMessage(_stopped(completion.text, stop), usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for piece in _up_to_stop(self.stream_text(_plain(messages)), stop or ()):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
            if run_manager:
                run_manager.on_llm_new_token(piece, chunk=chunk)
            yield chunk


def _plain(messages: Sequence[BaseMessage]) -> list[Message]:
    return [{"role": ROLES[message.type], "content": str(message.text)} for message in messages]


def _up_to_stop(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Yield the pieces up to the first stop word; what may be the beginning of one is held back."""
    text, shown, longest = "", 0, max(map(len, stop), default=1)
    for piece in pieces:
        text += piece
        ready = _stopped(text, stop)
        if ready != text:
            yield ready[shown:]
            return
        sure = max(shown, len(text) - longest + 1)
        if sure > shown:
            yield text[shown:sure]
        shown = sure
    if text[shown:]:
        yield text[shown:]


def _stopped(text: str, stop: Sequence[str] | None) -> str:
    ends = [text.index(word) for word in stop or () if word in text]
    return text[: min(ends)] if ends else text
