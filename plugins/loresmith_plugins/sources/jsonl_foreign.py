"""Rows of examples as other kits write them: Alpaca, ShareGPT, OpenAI messages."""

from __future__ import annotations

from typing import Any

from loresmith.values import Message
from loresmith_plugins.sources.jsonl_row import Row

ALPACA = frozenset({"instruction", "input", "output"})
SHAREGPT = "conversations"

_ROLES = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant"}


def without_system(data: dict[str, Any]) -> dict[str, Any]:
    """Return a row without the system message its conversation begins with."""
    return {key: _without_first(value) if key in ("messages", SHAREGPT) else value for key, value in data.items()}


def instructed(row: Row) -> tuple[Message, ...]:
    """Return the turn of an Alpaca row: the instruction, what it is to be done with if anything, and the output."""
    instruction = row.text("instruction")
    given = row.text("input", required=False) if row.data.get("input") else ""
    asked = f"{instruction}\n\n{given}" if given else instruction
    return ({"role": "user", "content": asked}, {"role": "assistant", "content": row.text("output")})


def shared(row: Row) -> tuple[Message, ...]:
    """Return the conversation of a ShareGPT row, whose messages are `{"from": …, "value": …}`."""
    value = row.data[SHAREGPT]
    if isinstance(value, list):
        row.data = {**row.data, SHAREGPT: [_message(item) for item in value]}
    return row.conversation(SHAREGPT, last="assistant")


def _message(item: Any) -> Any:
    if not isinstance(item, dict) or "from" not in item:
        return item
    renamed = {{"from": "role", "value": "content"}.get(key, key): value for key, value in item.items()}
    # What is no text is left to the checks of a conversation.
    role = renamed["role"]
    return {**renamed, "role": _ROLES.get(role, role) if isinstance(role, str) else role}


def _without_first(messages: Any) -> Any:
    first = messages[0] if isinstance(messages, list) and messages else None
    is_system = isinstance(first, dict) and first.get("role", first.get("from")) == "system"
    return messages[1:] if is_system else messages
