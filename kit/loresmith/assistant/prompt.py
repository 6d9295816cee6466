"""The prompt shell: what a model reads, put together in one place for training, the ladder, `ask` and `chat`.

Every token here is read again for every question, so the shell is short. Passages are data: what looks like the
shell's own marks in them is changed so that no document can pose as another, or as the one who asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from loresmith.assistant.citations import chunk_of, without_marks
from loresmith.assistant.control_tokens import without_control_tokens
from loresmith.evidence.sentences import NUMBERS
from loresmith.values import Chunk, Example, Hit, Message

INTRODUCTION = "Answer from these passages and cite them as [n]."
QUESTION = "Question: "
WITHHELD = "(Left out: this told the assistant what to do.)"
"""Stands in a passage in the place of what gave orders to the assistant."""

_POSING_MARK = re.compile(rf"^([^\w\n]*)\[({NUMBERS})\]|(?<![\w)\]])\[(\d{{1,3}})\]", re.MULTILINE)
_POSING_QUESTION = re.compile(r"^([^\w\n]*question)[ \t]*[:：]", re.IGNORECASE | re.MULTILINE)
_FILE_LINK = re.compile(r"\[([^\[\]]+)\]\((?![a-zA-Z][a-zA-Z+.-]*:)[^()\s]+\)")
_TABLE_RULE = re.compile(r"\|?(?:\s*:?-{2,}:?\s*\|)+(?:\s*:?-{2,}:?\s*)?")


def assemble(
    instructions: str,
    conversation: Sequence[Message],
    passages: Sequence[Hit] | Sequence[Chunk] = (),
    demonstrations: Sequence[Example] = (),
) -> list[Message]:
    """Return the messages a model replies to.

    The instructions are the system turn of every rung; a system turn of the conversation is left out. Demonstrations
    come before the conversation, passages go into its last turn. Marks of earlier replies are taken out, for the
    passages they point at are no longer there.

    Raises:
        ValueError: If the conversation does not end with a user's turn.
    """
    if not conversation or conversation[-1]["role"] != "user":
        raise ValueError("a conversation to reply to ends with a turn of the user")
    shown = [m for example in demonstrations for m in example.messages]
    turns = [_turn(m) for m in (*shown, *conversation[:-1]) if m["role"] != "system"]
    question = with_passages(conversation[-1]["content"], passages)
    return [
        {"role": "system", "content": instructions.strip()},
        *turns,
        {"role": "user", "content": question},
    ]


def with_passages(question: str, passages: Sequence[Hit] | Sequence[Chunk]) -> str:
    """Return the user's turn that asks `question` about `passages`; without passages it is the bare question."""
    if not passages:
        return question.strip()
    chunks = [_readable(passage) for passage in passages]
    lines = [f"[{n}] {_shown(chunk)}" for n, chunk in enumerate(chunks, 1)]
    return "\n".join([INTRODUCTION, *lines, QUESTION + question.strip()])


def question_in(content: str) -> str:
    """Return the question that a user's turn asks, without the passages that were put into it."""
    if not content.startswith(INTRODUCTION):
        return content
    # No line of a passage can begin like this: `_harmless` sees to that.
    return content.partition(f"\n{QUESTION}")[2] or content


def _turn(message: Message) -> Message:
    content = message["content"].strip()
    return {"role": message["role"], "content": without_marks(content) if message["role"] == "assistant" else content}


def _readable(passage: Hit | Chunk) -> Chunk:
    """Return the chunk without what a detector withholds from the model."""
    chunk = chunk_of(passage)
    text = chunk.text
    for start, end in sorted(passage.withheld if isinstance(passage, Hit) else (), reverse=True):
        text = f"{text[:start]}{WITHHELD}{text[end:]}"
    return chunk if text == chunk.text else replace(chunk, text=text)


def _shown(chunk: Chunk) -> str:
    """Return where a passage stands, and its text; a heading that repeats the title or the last heading is left out."""
    names = [" ".join(name.split()) for name in chunk.names]
    heading, _, rest = (text := _tidy(chunk.text)).partition("\n")
    if heading.lstrip("# ") in names:
        text = rest
    # One by one: what poses as a mark at the beginning of a heading would not be seen within a line.
    place = " > ".join(map(_harmless, names))
    return f"{place}: {_harmless(text)}" if place else _harmless(text)


def _tidy(text: str) -> str:
    """Collapse runs of spaces; drop empty lines, the rule under a table's head, and targets of links between files."""
    lines = (" ".join(_FILE_LINK.sub(r"\1", line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line and not _TABLE_RULE.fullmatch(line))


def _harmless(text: str) -> str:
    """Change what poses as a mark, as the question, or as a control token of a chat template."""
    text = _POSING_MARK.sub(lambda m: f"{m[1] or ''}({m[2] or m[3]})", text)
    text = _POSING_QUESTION.sub(r"\1 -", text)
    return without_control_tokens(text)
