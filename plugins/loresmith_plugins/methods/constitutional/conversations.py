"""What the critic is asked, word for word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loresmith.values import Message
from loresmith_plugins.methods.constitutional.constitution import Constitution, Principle
from loresmith_plugins.training.asking import LETTERS

REPLY_ALONE = "Write the new reply and nothing else."
LETTER_ALONE = "Answer with the letter A or B and nothing else."
SPEAKERS = {"user": "User", "assistant": "Assistant", "system": "System"}

_LABEL = re.compile(r"(?:here is )?(?:the )?(?:new |better |revised )?(?:reply|revision)\s*:\s*", re.IGNORECASE)


def critique_of(
    constitution: Constitution, principle: Principle, instructions: str, prompt: Sequence[Message], reply: str
) -> list[Message]:
    """Return the conversation that asks how `reply` offends against a principle.

    Args:
        constitution: What the critic is told first.
        principle: Its request, and its demonstrations as turns that came before.
        instructions: What the assistant itself is told.
        prompt: The conversation that was replied to.
        reply: The reply.
    """
    shown: list[Message] = []
    for one in principle.demonstrations:
        asked: list[Message] = [{"role": "user", "content": one.prompt}]
        said = _critique_request(principle, asked, one.reply)
        shown += [*said, {"role": "assistant", "content": one.critique}]
        shown += [_revision_request(principle), {"role": "assistant", "content": one.revision}]
    return [_told(constitution, instructions), *shown, *_critique_request(principle, prompt, reply)]


def revision_of(conversation: Sequence[Message], critique: str, principle: Principle) -> list[Message]:
    """Return the conversation that asks for the reply anew, after the critique of it."""
    return [*conversation, {"role": "assistant", "content": critique}, _revision_request(principle)]


def choice_of(
    constitution: Constitution,
    principle: Principle,
    instructions: str,
    prompt: Sequence[Message],
    replies: tuple[str, str],
) -> list[Message]:
    """Return the conversation that asks which of two replies a principle prefers, the first being A."""
    shown = "\n\n".join(f"Reply {letter}: {reply}" for letter, reply in zip(LETTERS, replies, strict=True))
    text = f"{_shown(prompt)}\n\n{shown}\n\n{principle.preference} {LETTER_ALONE}"
    return [_told(constitution, instructions), {"role": "user", "content": text}]


def bare(text: str) -> str:
    """Return a revision without what critics put around it: a label in front, quotes about all of it."""
    text = _LABEL.sub("", text.strip(), count=1) if _LABEL.match(text.strip()) else text.strip()
    quoted = len(text) > 1 and (text[0], text[-1]) in {('"', '"'), ("“", "”")} and '"' not in text[1:-1]
    return text[1:-1].strip() if quoted else text


def _told(constitution: Constitution, instructions: str) -> Message:
    content = f"{constitution.instructions}\nThe assistant was told: {' '.join(instructions.split())}"
    return {"role": "system", "content": content}


def _critique_request(principle: Principle, prompt: Sequence[Message], reply: str) -> list[Message]:
    return [{"role": "user", "content": f"{_shown(prompt)}\nAssistant: {reply}\n\n{principle.critique}"}]


def _revision_request(principle: Principle) -> Message:
    return {"role": "user", "content": f"{principle.revision} {REPLY_ALONE}"}


def _shown(prompt: Sequence[Message]) -> str:
    return "\n".join(f"{SPEAKERS[m['role']]}: {m['content'].strip()}" for m in prompt)
