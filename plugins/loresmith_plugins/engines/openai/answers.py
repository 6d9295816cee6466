"""Reads what an endpoint answers, and says what is wrong with it where it is not what was agreed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHOWN = 200
"""Characters of an answer that a message quotes."""


class Garbage(Exception):
    """The answer is not a chat completion; the text says how."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What an endpoint answered.

    Args:
        text: The reply.
        finished: Whether it came to its end.
        first: Log-probabilities (nats) of the likeliest first tokens, or None where none are told.
        tokens_in: Tokens read, or None where the endpoint does not count.
        tokens_out: Tokens written, or None.
    """

    text: str
    finished: bool = True
    first: Mapping[str, float] | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


def parsed(body: str) -> Choice:
    """Return the first choice of an answer.

    Raises:
        Garbage: If there is none.
    """
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise Garbage(f"what it answers is not JSON: {_short(body)}") from error
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list):
        raise Garbage(f"its answer has no choices: {said(body)}")
    if not choices:
        raise Garbage("its answer has an empty list of choices")
    try:
        content, usage = choices[0]["message"].get("content"), answer.get("usage") or {}
        read, written = (_count(usage.get(kind)) for kind in ("prompt_tokens", "completion_tokens"))
        first = _first_tokens(choices[0].get("logprobs") or {})
        finished = choices[0].get("finish_reason") != "length"
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Garbage(f"its answer has another shape than was agreed: {_short(body)}") from error
    # An endpoint that says nothing says null.
    if content is not None and not isinstance(content, str):
        raise Garbage(f"its reply is not a text: {_short(json.dumps(content))}")
    return Choice(content or "", finished, first, read, written)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None


def _first_tokens(told: Mapping[str, Any]) -> dict[str, float] | None:
    content = told.get("content") or []
    top = content[0].get("top_logprobs") or [] if content else []
    found = {str(entry["token"]): float(entry["logprob"]) for entry in top}
    return {token: value for token, value in found.items() if not math.isnan(value)} or None


def piece_of(line: str) -> str:
    """Return the text in one line of a streamed answer; lines that hold none give an empty one.

    Raises:
        Garbage: If it is not what was agreed.
    """
    if not line.startswith("data:") or (data := line.removeprefix("data:").strip()) == "[DONE]":
        return ""
    try:
        choices = json.loads(data).get("choices") or []
        content = choices[0]["delta"].get("content") if choices else None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Garbage(f"what it streams is not what was agreed: {_short(data)}") from error
    return str(content or "")


def said(body: str) -> str:
    """Return what an answer says of an error, short: its message, or its beginning."""
    try:
        found = json.loads(body)
    except ValueError:
        return _short(body)
    error = found.get("error") if isinstance(found, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return _short(str(message or body))


def _short(text: str) -> str:
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return (plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}…") or "(nothing)"
