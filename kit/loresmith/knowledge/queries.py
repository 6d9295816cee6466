"""What to search for: follow-up questions condensed so that they stand alone, and other ways to ask the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from loresmith.recipe.models import Queries
from loresmith.specs import Engine
from loresmith.values import Message, Weights
from loresmith.words import words

SHORT_QUESTION = 8
"""Words up to which a question is taken to lean on the one before (`and for a dog?`)."""

HISTORY_TURNS = 4
"""Turns before the question that an engine sees when it condenses; what is further back is seldom meant."""

LONGEST = 60
"""Words from which a rewritten question is taken for an answer, or for babble."""

_CONDENSE = (
    "Rewrite the last question of a conversation so that it can be understood alone: put in what it leaves out and "
    "what its pronouns stand for. Reply with the question and nothing else."
)
_VARY = "Ask the same in {n} other ways, with other words, one a line. Reply with the questions and nothing else."
_NUMBERING = re.compile(
    r"^\s*(?:[-*•]|\(?\d{1,2}[.):])\s*|^\s*(?:standalone |rewritten )?question\s*:\s*", re.IGNORECASE
)


def condensed_by_rule(conversation: Sequence[Message]) -> str:
    """Return what to search for: the last question, after the one before it where the last is short."""
    asked = _asked(conversation)
    if len(asked) > 1 and len(words(asked[-1])) <= SHORT_QUESTION:
        return f"{asked[-2]} {asked[-1]}"
    return asked[-1] if asked else ""


class QueryMaker:
    """Makes queries of conversations, as a recipe says.

    Args:
        settings: The recipe's `knowledge.queries`.
        engine: Gives the engine, where the settings ask for one.
    """

    def __init__(self, settings: Queries, engine: Callable[[], Engine]) -> None:
        self._settings = settings
        self._engine = engine

    def condensed(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        """Return for each conversation what to search for."""
        if self._settings.condense == "off":
            return [(_asked(conversation) or [""])[-1] for conversation in conversations]
        queries = [condensed_by_rule(conversation) for conversation in conversations]
        if self._settings.condense == "engine":
            followed = [n for n, conversation in enumerate(conversations) if len(_asked(conversation)) > 1]
            replies = self._replies([_condensing(conversations[n]) for n in followed])
            for n, reply in zip(followed, replies, strict=True):
                queries[n] = _rewritten(reply, conversations[n]) or queries[n]
        return queries

    def variants(self, queries: Sequence[str]) -> list[list[str]]:
        """Return for each query itself, then the other ways to ask it, at most as many as the recipe wants."""
        wanted = self._settings.multi
        if not wanted:
            return [[query] for query in queries]
        system: Message = {"role": "system", "content": _VARY.format(n=wanted)}
        replies = self._replies([[system, {"role": "user", "content": query}] for query in queries])
        return [_distinct(query, reply)[: wanted + 1] for query, reply in zip(queries, replies, strict=True)]

    def _replies(self, conversations: Sequence[Sequence[Message]]) -> list[str]:
        if not conversations:
            return []
        engine = self._engine()
        # What was trained replies in the house style, and would answer rather than rewrite.
        engine.use(Weights())
        return [completion.text for completion in engine.complete(conversations)]


def _asked(conversation: Sequence[Message]) -> list[str]:
    return [message["content"].strip() for message in conversation if message["role"] == "user"]


def _condensing(conversation: Sequence[Message]) -> list[Message]:
    turns = [message for message in conversation if message["role"] != "system"]
    told = [f"{_SPEAKERS[m['role']]}: {' '.join(m['content'].split())}" for m in turns[-HISTORY_TURNS - 1 : -1]]
    question = " ".join(turns[-1]["content"].split())
    return [
        {"role": "system", "content": _CONDENSE},
        {"role": "user", "content": "\n".join([*told, f"Last question: {question}", "Rewritten question:"])},
    ]


_SPEAKERS = {"user": "User", "assistant": "Assistant", "system": "System"}


def _rewritten(reply: str, conversation: Sequence[Message]) -> str:
    """Return the question an engine wrote, or nothing if it cannot be one: too long, or about something else."""
    line = next((_NUMBERING.sub("", line).strip(" \"'") for line in reply.splitlines() if line.strip()), "")
    said = {word for message in conversation for word in words(message["content"])}
    its = words(line)
    foreign = sum(word not in said for word in its)
    return line if 0 < len(its) <= LONGEST and foreign * 2 <= len(its) else ""


def _distinct(query: str, reply: str) -> list[str]:
    lines = [_NUMBERING.sub("", line).strip() for line in reply.splitlines()]
    usable = [line for line in lines if 0 < len(words(line)) <= LONGEST]
    by_words: dict[tuple[str, ...], str] = {}
    for line in (query, *usable):
        by_words.setdefault(tuple(words(line)), line)
    return list(by_words.values())
