"""Documents as rows for continued pre-training: packed into blocks, every token learnt."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from loresmith.errors import DataError, Problem
from loresmith.values import Document
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.training.rows import Row

HELD_OUT = 0.05
"""Share of the blocks that is never learnt; at least one."""

_ENDS_OF_TEXT = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>")


def blocks_of(documents: Sequence[Document], chat: ChatFormat, size: int) -> list[Row]:
    """Return all documents in one stream, an end of text behind each, cut into rows of `size` tokens.

    Raises:
        DataError: If they do not fill two rows: one to learn and one to measure on.
    """
    end = end_of_text(chat.tokenizer)
    ids: list[int] = []
    origins: list[str] = []
    for document in documents:
        own = [*chat.tokenizer.encode(document.text, add_special_tokens=False), end]
        ids += own
        origins += [document.id] * len(own)
    rows = []
    # A single token at the end has nothing to be learnt from.
    for start in range(0, len(ids) - 1, size):
        piece = tuple(ids[start : start + size])
        rows.append(Row(piece, (True,) * len(piece), ", ".join(dict.fromkeys(origins[start : start + size]))))
    if len(rows) < 2:
        what = f"{len(documents)} documents have {len(ids)} tokens together"
        problem = Problem(what, key="block", hint="Lower it, or leave this stage out: there is too little to read.")
        raise DataError(f"the documents do not fill two blocks of {size} tokens", [problem])
    return rows


def divided(blocks: Sequence[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """Return the blocks to learn and those held out, both in their order."""
    count = max(1, round(len(blocks) * HELD_OUT))
    held_out = set(random.Random(seed).sample(range(len(blocks)), count))
    return (
        [block for i, block in enumerate(blocks) if i not in held_out],
        [block for i, block in enumerate(blocks) if i in held_out],
    )


def end_of_text(tokenizer: Any) -> int:
    """Return the id that stood between texts when the model was pre-trained; its end of turn if it has no such one."""
    known = tokenizer.get_vocab()
    return int(next((known[name] for name in _ENDS_OF_TEXT if name in known), tokenizer.eos_token_id))
