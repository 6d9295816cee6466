"""How a ranking comes about, key by key: the best reply first, then the next; the terminal and the app share it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from loresmith.assistant.prompt import question_in
from loresmith.journal.judgements import DrawnReply, Task

KEYS = "the best first, then the next; = a tie, or all alike; Enter the rest are alike; s skip, u undo, q quit"
"""What can be pressed beside the numbers, for whoever ranks."""
BEFORE = 150
"""Characters that are shown of each earlier turn of a conversation."""


def asked_text(task: Task) -> str:
    """Return what is replied to: the question without its passages, and what was said before it, shortened."""
    *before, last = task.prompt
    lines = [f"{'Q' if turn['role'] == 'user' else 'A'}: {_short(turn['content'])}" for turn in before]
    return "\n".join([*lines, f"Q: {question_in(last['content'])}"])


def shown_order(task: Task) -> list[int]:
    """Return in which order the replies of a task are shown: shuffled, and the same whenever it is shown again."""
    return random.Random(task.id).sample(range(len(task.replies)), len(task.replies))


def _short(text: str) -> str:
    whole = " ".join(text.split())
    return whole if len(whole) <= BEFORE else f"{whole[: BEFORE - 3]}..."


@dataclass(slots=True)
class Ranking:
    """A task that is being ranked. Replies are named by their place on the screen, from 0.

    Args:
        task: The task.
    """

    task: Task
    groups: list[list[int]] = field(default_factory=list)
    """The places picked so far, best first; those of a group are alike."""
    tied: bool = False
    """Whether the next pick is as good as the one before."""
    _order: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._order = shown_order(self.task)

    @property
    def shown(self) -> list[DrawnReply]:
        """The replies as they are shown."""
        return [self.task.replies[place] for place in self._order]

    @property
    def left(self) -> list[int]:
        """The places that are not picked yet."""
        picked = {place for group in self.groups for place in group}
        return [place for place in range(len(self._order)) if place not in picked]

    @property
    def done(self) -> bool:
        """Whether every reply has its rank."""
        return not self.left

    def pick(self, place: int) -> None:
        """Take the reply at a place for the next best; what cannot be picked is passed over."""
        if place not in self.left:
            return
        if self.tied:
            self.groups[-1].append(place)
        else:
            self.groups.append([place])
        self.tied = False
        if len(self.left) == 1:
            self.rest()

    def tie(self) -> None:
        """Let the next pick be as good as the one before; before the first pick, all are alike."""
        if self.groups:
            self.tied = True
        else:
            self.groups.append(self.left)

    def rest(self) -> None:
        """Let all that are left be alike, and last; before the first pick, which may be an Enter too many, nothing."""
        if self.groups and self.left:
            self.groups.append(self.left)
            self.tied = False

    def __str__(self) -> str:
        """Return the ranking so far, as it was pressed: `2 > 1 = 3`."""
        text = " > ".join(" = ".join(str(place + 1) for place in group) for group in self.groups)
        return f"{text} =" if self.tied else text

    def undo(self) -> bool:
        """Take the last key back; return whether there was any in this task."""
        if self.tied:
            self.tied = False
            return True
        if not self.groups:
            return False
        self.groups[-1].pop()
        self.groups = [group for group in self.groups if group]
        return True

    def rank(self, place: int) -> int | None:
        """Return the rank of the reply at a place, or None while it has none; after a tie of two comes rank 3."""
        before = 0
        for group in self.groups:
            if place in group:
                return before + 1
            before += len(group)
        return None

    @property
    def ranks(self) -> tuple[int, ...]:
        """The rank of each reply in the order of the task.

        Raises:
            ValueError: If one has none yet.
        """
        by_reply = {self._order[place]: self.rank(place) for place in range(len(self._order))}
        found = [rank for index in range(len(self._order)) if (rank := by_reply[index]) is not None]
        if len(found) < len(self._order):
            raise ValueError("not every reply has its rank yet")
        return tuple(found)
