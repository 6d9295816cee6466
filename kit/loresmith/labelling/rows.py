"""From judgements and thumbs to rows of preferences.

A row's prompt is what the model read when it replied, without instructions and demonstrations: where the rung looks
things up, the passages stand in its last turn. So what is learnt is what was judged, and it is read like any prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from loresmith.journal.database import open_journal
from loresmith.journal.judgements import Judgement, Judgements
from loresmith.journal.turns import Turn, read_turns
from loresmith.project import Project
from loresmith.rungs import PARTS
from loresmith.values import Message

WRITER = "written_by"
"""Key of a row that says who wrote it; a file whose rows lack it is somebody else's."""
BY_LABEL, BY_CHAT = "loresmith label", "loresmith chat"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Thumb:
    """An answer of a conversation that somebody judged, and what was said before it."""

    turn: Turn
    before: tuple[Message, ...]

    @property
    def prompt(self) -> list[Message]:
        """What the model read, without instructions and demonstrations."""
        read = self.turn.answer.trace.prompt[1:]
        if not read:  # declined without asking the model
            return [*self.before, {"role": "user", "content": self.turn.question}]
        shown = PARTS[self.turn.answer.rung].demonstrations if self.turn.answer.rung in PARTS else False
        return read[-len(self.before) - 1 :] if shown else read


def thumbs(project: Project) -> list[Thumb]:
    """Return the answers that were judged in chat, in the order they were given.

    Raises:
        JournalError: If the journal cannot be used.
    """
    if not project.journal.exists():
        return []
    with open_journal(project) as journal:
        judged = journal.execute(
            "SELECT conversation FROM messages JOIN thumbs ON message = messages.id "
            "GROUP BY conversation ORDER BY min(message)"
        ).fetchall()
        return [thumb for row in judged for thumb in _thumbs(read_turns(journal, row["conversation"]))]


def pair_rows(project: Project) -> list[Row]:
    """Return each pair of replies of which one is preferred once: what was ranked, then what was corrected in chat."""
    judged = Judgements(project).judged() if project.journal.exists() else []
    ranked = (row for judgement in judged for row in _pairs(judgement))
    corrected = (_pair(t.prompt, t.turn.correction, t.turn.answer.answer, BY_CHAT) for t in thumbs(project))
    return _once([*ranked, *corrected])


def thumb_rows(project: Project) -> list[Row]:
    """Return each judged reply of chat once; one that was corrected makes a pair, and is not among them."""
    found = (t for t in thumbs(project) if not t.turn.correction)
    rows = (
        {"prompt": _written(t.prompt), "reply": _clean(t.turn.answer.answer), "liked": t.turn.liked, WRITER: BY_CHAT}
        for t in found
    )
    return _once(row if row["reply"] else None for row in rows)


def _thumbs(turns: Sequence[Turn]) -> Iterator[Thumb]:
    before: list[Message] = []
    for turn in turns:
        if turn.liked is not None:
            yield Thumb(turn, tuple(before))
        before += [{"role": "user", "content": turn.question}, {"role": "assistant", "content": turn.answer.answer}]


def _pairs(judgement: Judgement) -> Iterator[Row | None]:
    if judgement.ranking is None:
        return
    task = judgement.task
    ranked = sorted(zip(judgement.ranking, task.replies, strict=True), key=lambda item: item[0])
    for (rank, better), (lower, worse) in combinations(ranked, 2):
        if rank < lower:
            yield _pair(task.prompt, better.text, worse.text, BY_LABEL)


def _pair(prompt: Sequence[Message], chosen: str, rejected: str, writer: str) -> Row | None:
    chosen, rejected = _clean(chosen), _clean(rejected)
    if not chosen or not rejected or chosen == rejected:
        return None
    return {"prompt": _written(prompt), "chosen": chosen, "rejected": rejected, WRITER: writer}


def _written(prompt: Sequence[Message]) -> str | list[dict[str, str]]:
    """Return a prompt as a row has it: a single turn is a text."""
    turns = [{"role": str(turn["role"]), "content": _clean(turn["content"])} for turn in prompt]
    return turns[0]["content"] if len(turns) == 1 else turns


def _clean(text: str) -> str:
    """Return a text that a file of rows can hold: without NUL and half surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()


def _once(rows: Iterable[Row | None]) -> list[Row]:
    found: dict[str, Row] = {}
    for row in rows:
        if row is not None:
            found.setdefault(repr([value for key, value in row.items() if key != WRITER]), row)
    return list(found.values())
