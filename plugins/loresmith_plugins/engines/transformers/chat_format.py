"""From messages to token ids, the same way in training and in serving.

The text of a conversation is cut at the borders of the assistant's replies and each piece is tokenized by itself. What
a model was trained on is therefore token by token what it is served with: a prompt is a prefix of its training row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loresmith.errors import ModelRefused
from loresmith.values import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class ChatFormat:
    """Renders conversations with the chat template of a tokenizer.

    Args:
        tokenizer: A tokenizer with a chat template.
        eos_ids: Ids that end a turn.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, eos_ids: Sequence[int]) -> None:
        if not tokenizer.chat_template:
            raise ModelRefused(
                f'the model "{tokenizer.name_or_path}" has no chat template',
                "Use its instruct variant, or put a chat_template.jinja beside its tokenizer.",
            )
        self.tokenizer = tokenizer
        self.eos_ids = frozenset(eos_ids)

    def render(self, messages: Sequence[Message], *, reply_next: bool = True) -> str:
        """Return the text of a conversation; with `reply_next` it ends where the assistant begins to speak."""
        plain = [{"role": m["role"], "content": m["content"].strip()} for m in messages]
        text: Any = self.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=reply_next)
        return str(text)

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids a model reads before it replies to the last message."""
        return [i for piece, _ in self._pieces(messages, reply_next=True) for i in self._ids(piece)]

    def reply_ids(self, text: str) -> list[int]:
        """Return the ids of the beginning of a reply, as they stand behind a prompt."""
        return self._ids(text.strip())

    def training_ids(self, messages: Sequence[Message]) -> tuple[list[int], list[bool]]:
        """Return the ids of a whole conversation, and for each whether it enters the loss.

        Trained are the assistant's turns that are not marked `trained: False`, each up to and with its end of turn;
        what the template puts behind that is only read.
        """
        ids: list[int] = []
        trained: list[bool] = []
        for piece, learn in self._pieces(messages, reply_next=False):
            piece_ids = self._ids(piece)
            ids += piece_ids
            trained += self._up_to_end_of_turn(piece_ids) if learn else [False] * len(piece_ids)
        return self._without_tail(ids, trained)

    def _pieces(self, messages: Sequence[Message], *, reply_next: bool) -> list[tuple[str, bool]]:
        """Cut the rendered conversation at the borders of the replies: (text, is a reply to learn)."""
        pieces: list[tuple[str, bool]] = []
        done = ""
        for position, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            done = self._cut(pieces, done, self.render(messages[:position]), learn=False)
            whole = self.render(messages[: position + 1], reply_next=False)
            done = self._cut(pieces, done, whole, learn=message.get("trained", True))
        if reply_next:
            self._cut(pieces, done, self.render(messages), learn=False)
        return pieces

    def _cut(self, pieces: list[tuple[str, bool]], done: str, text: str, *, learn: bool) -> str:
        if not text.startswith(done):
            raise ModelRefused(
                f'the chat template of "{self.tokenizer.name_or_path}" rewrites earlier turns when a later one comes',
                "Such a template cannot be trained turn by turn; use examples of one turn, or another model.",
            )
        if len(text) > len(done):
            pieces.append((text[len(done) :], learn))
        return text

    def _ids(self, text: str) -> list[int]:
        ids: Any = self.tokenizer.encode(text, add_special_tokens=False)
        return list(ids)

    def _up_to_end_of_turn(self, ids: Sequence[int]) -> list[bool]:
        ends = [i for i, token in enumerate(ids) if token in self.eos_ids]
        stop = ends[-1] + 1 if ends else len(ids)
        return [i < stop for i in range(len(ids))]

    @staticmethod
    def _without_tail(ids: list[int], trained: list[bool]) -> tuple[list[int], list[bool]]:
        """Drop what stands behind the last trained token: nothing learns from reading it."""
        last = max((i for i, t in enumerate(trained) if t), default=len(ids) - 1)
        return ids[: last + 1], trained[: last + 1]


def end_of_turn_ids(tokenizer: PreTrainedTokenizerBase, generation_eos: int | Sequence[int] | None) -> list[int]:
    """Return all ids that end a turn: the tokenizer's end of sequence and those of the generation settings."""
    ids = {tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set()
    if isinstance(generation_eos, int):
        ids.add(generation_eos)
    elif generation_eos is not None:
        ids.update(generation_eos)
    return sorted(ids)
