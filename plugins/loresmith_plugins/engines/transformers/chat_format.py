"""From messages to token ids, the same way in training and in serving.

What a message says is data: the tokens of the template in it are read as the characters they are made of, so that no
document and no question can end a turn or begin one. The text of a conversation is cut at the borders of the
assistant's replies and each piece is tokenized by itself. What a model was trained on is therefore token by token what
it is served with: a prompt is a prefix of its training row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from loresmith.errors import ModelRefused
from loresmith.values import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class Veil:
    """Puts sign-posts in the place of control tokens in what is said, and finds them again in the rendered text.

    Args:
        tokens: Matches control tokens, or None if the tokenizer has none.
        said: All that is said, so that the sign-post is nowhere in it.
    """

    def __init__(self, tokens: re.Pattern[str] | None, said: str) -> None:
        self._tokens = tokens if tokens and tokens.search(said) else None
        self._post = next(c for c in map(chr, range(0xE000, 0xF8FF)) if c not in said)
        self._hidden: list[str] = []

    def over(self, text: str) -> str:
        """Return a text with a sign-post for each control token; the same text gives the same."""
        return self._tokens.sub(self._hide, text) if self._tokens else text

    def lifted(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield the pieces of a rendered text, and whether each is a control token that somebody said."""
        if not self._tokens:
            yield text, False
            return
        for position, piece in enumerate(re.split(f"{self._post}(\\d+){self._post}", text)):
            if position % 2:
                yield self._hidden[int(piece)], True
            elif piece:
                yield piece, False

    def _hide(self, match: re.Match[str]) -> str:
        if match[0] not in self._hidden:
            self._hidden.append(match[0])
        return f"{self._post}{self._hidden.index(match[0])}{self._post}"


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
        return self._applied([m["content"].strip() for m in messages], messages, reply_next=reply_next)

    def _applied(self, contents: Sequence[str], messages: Sequence[Message], *, reply_next: bool) -> str:
        plain = [{"role": m["role"], "content": content} for m, content in zip(messages, contents, strict=True)]
        text: Any = self.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=reply_next)
        return str(text)

    def _veiled(self, messages: Sequence[Message], veil: Veil, *, reply_next: bool) -> str:
        """Return the text of a conversation in which what only looks like a token of the template stands veiled."""
        contents = [veil.over(m["content"].strip()) for m in messages]
        return self._applied(contents, messages, reply_next=reply_next)

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids a model reads before it replies to the last message."""
        veil = self._veil(messages)
        return [i for piece, _ in self._pieces(messages, veil, reply_next=True) for i in self._ids(piece, veil)]

    def reply_ids(self, text: str) -> list[int]:
        """Return the ids of the beginning of a reply, as they stand behind a prompt."""
        veil = Veil(self._tokens, text)
        return self._ids(veil.over(text.strip()), veil)

    def training_ids(self, messages: Sequence[Message]) -> tuple[list[int], list[bool]]:
        """Return the ids of a whole conversation, and for each whether it enters the loss.

        Trained are the assistant's turns that are not marked `trained: False`, each up to and with its end of turn;
        what the template puts behind that is only read.
        """
        ids: list[int] = []
        trained: list[bool] = []
        veil = self._veil(messages)
        for piece, learn in self._pieces(messages, veil, reply_next=False):
            piece_ids = self._ids(piece, veil)
            ids += piece_ids
            trained += self._up_to_end_of_turn(piece_ids) if learn else [False] * len(piece_ids)
        return self._without_tail(ids, trained)

    def _veil(self, messages: Sequence[Message]) -> Veil:
        return Veil(self._tokens, "".join(m["content"] for m in messages))

    @cached_property
    def _tokens(self) -> re.Pattern[str] | None:
        """What the tokenizer reads as one token wherever it stands, the longest first."""
        known = {str(token) for token in self.tokenizer.added_tokens_decoder.values()}
        known |= set(self.tokenizer.all_special_tokens)
        ordered = sorted(filter(None, known), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def _pieces(self, messages: Sequence[Message], veil: Veil, *, reply_next: bool) -> list[tuple[str, bool]]:
        """Cut the rendered conversation at the borders of the replies: (text, is a reply to learn)."""
        pieces: list[tuple[str, bool]] = []
        done = ""
        for position, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            done = self._cut(pieces, done, self._veiled(messages[:position], veil, reply_next=True), learn=False)
            whole = self._veiled(messages[: position + 1], veil, reply_next=False)
            done = self._cut(pieces, done, whole, learn=message.get("trained", True))
        if reply_next:
            self._cut(pieces, done, self._veiled(messages, veil, reply_next=True), learn=False)
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

    def _ids(self, text: str, veil: Veil) -> list[int]:
        ids: list[int] = []
        for piece, is_token in veil.lifted(text):
            ids += self._plain_ids(piece) if is_token else self._encoded(piece)
        return ids

    def _encoded(self, text: str) -> list[int]:
        ids: Any = self.tokenizer.encode(text, add_special_tokens=False)
        return list(ids)

    def _plain_ids(self, token: str) -> list[int]:
        """Return the ids of the characters of a control token: its first one by itself, so that it is none."""
        return [i for part in (token[:1], token[1:]) if part for i in self._encoded(part)]

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
