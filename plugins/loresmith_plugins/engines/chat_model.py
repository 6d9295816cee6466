"""What makes an engine a LangChain chat model, so that an assistant drops into anybody's chain."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from loresmith.specs import Progress
from loresmith.values import Completion, Message, Role, Sampling

ROLES: dict[str, Role] = {"human": "user", "ai": "assistant", "system": "system"}


class ChatModel(BaseChatModel):
    """An engine that answers in chains what it completes. Stop words end a reply alike in both."""

    @abstractmethod
    def complete(
        self,
        conversations: Sequence[Sequence[Message]],
        progress: Progress | None = None,
        *,
        sampling: Sampling | None = None,
    ) -> list[Completion]:
        """Return one completion a conversation, as an engine does."""

    @abstractmethod
    def stream_text(self, messages: Sequence[Message]) -> Iterator[str]:
        """Yield the reply piece by piece, as an engine does."""

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
