"""One row and the questions its readers ask: is the key there, is it of the right type, is it a conversation?

A reader asks for all its keys before it stops, so that a row with three mistakes gives three problems.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Any

from loresmith.errors import Problem
from loresmith.values import Message
from loresmith_plugins.sources.jsonl_lines import kind_of

_TURNS = {"role", "content", "trained"}


class BadRow(Exception):
    """The row has problems; they are in its `problems`."""


class Row:
    """A JSON object with its place, and what was found wrong with it.

    Args:
        file: The file as the user names it.
        line: Its line, counted from 1.
        data: The object.
    """

    def __init__(self, file: str, line: int, data: dict[str, Any]) -> None:
        self.file = file
        self.line = line
        self.data = data
        self.problems: list[Problem] = []

    def __contains__(self, key: str) -> bool:
        return key in self.data

    @property
    def place(self) -> str:
        """File and line, for messages about what the row becomes."""
        return f"{self.file}:{self.line}"

    def add(self, key: str, what: str, hint: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(what, file=self.file, line=self.line, key=key, hint=hint))

    def check(self) -> None:
        """Stop here if anything was wrong.

        Raises:
            BadRow: If there are problems.
        """
        if self.problems:
            raise BadRow(self.place)

    def only(self, known: Collection[str]) -> None:
        """Note keys that look like a known one misspelled; others are nobody's business."""
        for key in self.data:
            self._misspelled(key, known, self.data, key)

    def text(self, key: str, *, required: bool = True) -> str:
        """Return a text that is not empty; an empty string where there is a problem, or where it may be missing."""
        if key not in self.data:
            if required:
                self._missing(key)
            return ""
        value = self.data[key]
        if not isinstance(value, str):
            self.add(key, f"must be a text, not {kind_of(value)}", "Write it in quotes.")
            return ""
        if not value.strip():
            self.add(key, "is empty", "Write it, or remove the row.")
            return ""
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """Return true or false; without a default the key must be there."""
        if key not in self.data:
            if default is None:
                self._missing(key)
            return bool(default)
        value = self.data[key]
        if not isinstance(value, bool):
            self.add(key, f"must be true or false, not {kind_of(value)}", "Write it without quotes.")
            return bool(default)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, each once; one text stands for a list of one, a missing key for none."""
        value = self.data.get(key, [])
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
            self.add(key, "must be a list of texts, none of them empty", 'Write it as ["…", "…"].')
            return ()
        return tuple(dict.fromkeys(items))

    def prompt(self, key: str) -> tuple[Message, ...]:
        """Return what is replied to: a text is one turn of the user, a list a conversation that ends with the user."""
        if isinstance(self.data.get(key), list):
            return self.conversation(key, last="user")
        return ({"role": "user", "content": self.text(key)},)

    def conversation(self, key: str, *, last: str) -> tuple[Message, ...]:
        """Return a conversation: user and assistant by turns, the user first, `last` at the end."""
        value = self.data[key]
        if not isinstance(value, list) or not value:
            self.add(key, "must be a list of messages", 'Write it as [{"role": "user", "content": "…"}, …].')
            return ()
        before = len(self.problems)
        messages = [self._message(f"{key}[{n}]", item) for n, item in enumerate(value)]
        if len(self.problems) == before:
            self._turns(key, messages, last)
        return tuple(messages)

    def _message(self, key: str, value: Any) -> Message:
        message: Message = {"role": "user", "content": ""}
        if not isinstance(value, dict):
            self.add(key, f"must be an object with role and content, not {kind_of(value)}")
            return message
        for name in value:
            self._misspelled(name, _TURNS, value, f"{key}.{name}")
        inner = Row(self.file, self.line, value)
        role, content = inner.text("role"), inner.text("content")
        if role in ("user", "assistant"):
            message = {"role": role, "content": content}  # type: ignore[typeddict-item]
        elif role == "system":
            hint = "The recipe's `instructions` are the system prompt; `system: drop` on the source leaves this out."
            inner.add("role", "must be user or assistant", hint)
        elif role:
            inner.add("role", f'must be user or assistant, not "{role}"')
        if "trained" in value:
            message["trained"] = inner.flag("trained")
        for problem in inner.problems:
            self.add(f"{key}.{problem.key}", problem.what, problem.hint)
        return message

    def _turns(self, key: str, messages: Sequence[Message], last: str) -> None:
        for n, message in enumerate(messages):
            wanted = "assistant" if n % 2 else "user"
            if message["role"] != wanted:
                self.add(f"{key}[{n}].role", f"must be {wanted}: the two take turns, the user first")
                return
            if message["role"] == "user" and "trained" in message:
                self.add(f"{key}[{n}].trained", "belongs to assistant messages only")
        if messages[-1]["role"] != last:
            self.add(key, f"must end with a message of the {last}")
        elif last == "assistant" and not messages[-1].get("trained", True):
            self.add(f"{key}[{len(messages) - 1}].trained", "must not be false: the last reply is the target")

    def _missing(self, key: str) -> None:
        near = difflib.get_close_matches(key, self.data, n=1)
        there = ", ".join(self.data) or "none"
        self.add(key, "is missing", f'Is it "{near[0]}"?' if near else f"Keys of the row: {there}.")

    def _misspelled(self, key: str, known: Collection[str], data: Collection[str], shown: str) -> None:
        if key in known:
            return
        near = [name for name in difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.75) if name not in data]
        if near:
            self.add(shown, "is no key of this row", f'Did you mean "{near[0]}"?')
