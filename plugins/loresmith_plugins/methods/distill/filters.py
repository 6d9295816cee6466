"""Which of a teacher's replies are worth learning."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from loresmith.assistant.declines import Declines
from loresmith.values import Example
from loresmith_plugins.engines.transformers.chat_format import ChatFormat
from loresmith_plugins.training.asking import Reply


@dataclass(slots=True)
class Filter:
    """Drops replies, and counts why.

    Args:
        chat: The student's format.
        longest: Tokens of the longest reply kept.
        declines: Tells replies that decline; None keeps them.
    """

    chat: ChatFormat
    longest: int
    declines: Declines | None
    looked_at: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def keeps(self, example: Example, reply: Reply) -> bool:
        """Whether what the teacher said about an example is worth learning."""
        self.looked_at += 1
        why = self._why_not(example, reply)
        if why:
            self.dropped[why] += 1
        return not why

    def warnings(self) -> list[str]:
        """Say how many were dropped, and why."""
        if not self.dropped:
            return []
        reasons = ", ".join(f"{count} {why}" for why, count in self.dropped.most_common())
        return [f"{self.dropped.total()} of the teacher's {self.looked_at} replies are dropped: {reasons}"]

    def _why_not(self, example: Example, reply: Reply) -> str:
        if not reply.text:
            return "empty"
        if not reply.whole:
            return "cut off at the teacher's max_tokens"
        if self.declines and example.answerable and self.declines.matches(reply.text):
            return "refused"
        if len(self.chat.reply_ids(reply.text)) > self.longest:
            return f"longer than {self.longest} tokens"
        return ""
