"""A turn of a conversation: the question, and its answers as Markdown while and after they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownStream

from loresmith.journal.turns import Turn
from loresmith.values import Citation
from loresmith_tui.marking import marked_text
from loresmith_tui.shown import one_line, plain, signs
from loresmith_tui.widgets.answer_text import AnswerText, Cite


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer stands: its row, and its side."""

    row: int
    side: int = 0


class AnswerBox(Vertical):
    """One answer.

    Args:
        place: Where it stands.
        name: Who answers; empty where nobody else does.
        turn: The turn, if it is answered.
        note: What stands below in its place if it is not.
    """

    DEFAULT_CSS = "AnswerBox { height: auto; width: 1fr; }"

    class Chosen(Message):
        """The answer was clicked."""

        def __init__(self, place: Place) -> None:
            super().__init__()
            self.place = place

    class Cited(Message):
        """A citation in it was clicked."""

        def __init__(self, citation: Citation) -> None:
            super().__init__()
            self.citation = citation

    def __init__(self, place: Place, name: str, turn: Turn | None, note: str = "") -> None:
        super().__init__()
        self.place, self._who, self._turn, self._note = place, name, turn, note
        self._stream: MarkdownStream | None = None

    def compose(self) -> ComposeResult:
        """Yield who answers, the answer, and a line on it."""
        if self._who:
            yield Static(one_line(self._who), classes="who", markup=False)
        yield AnswerText(_text(self._turn), open_links=False)
        yield Static(plain(noted(self._turn) or self._note), classes="cited", markup=False)

    async def add(self, piece: str) -> None:
        """Add a piece of the answer."""
        if self._stream is None:
            self._stream = Markdown.get_stream(self.query_one(AnswerText))
        await self._stream.write(plain(piece))

    async def show(self, turn: Turn) -> None:
        """Show the answer as it is kept, which may differ from what came in pieces."""
        self._turn = turn
        await self._end()
        await self.query_one(AnswerText).update(_text(turn))
        self.note(noted(turn))

    async def fail(self, why: str) -> None:
        """Take no more pieces, and say why there is no answer."""
        await self._end()
        if self._turn is None:
            self.note(why)

    async def _end(self) -> None:
        if self._stream is not None:
            await self._stream.stop()
            self._stream = None

    def note(self, text: str) -> None:
        """Say something below the answer."""
        self.query_one(".cited", Static).update(plain(text))

    def say_of(self, turn: Turn) -> None:
        """Say below what somebody thinks of the answer."""
        self._turn = turn
        self.note(noted(turn))

    def on_click(self) -> None:
        """Choose it."""
        self.post_message(self.Chosen(self.place))

    def on_cite(self, message: Cite) -> None:
        """Hand the citation over."""
        message.stop()
        cited = [
            citation for citation in (self._turn.answer.citations if self._turn else ()) if citation.n == message.n
        ]
        if cited:
            self.post_message(self.Cited(cited[0]))


class TurnBox(Vertical):
    """One turn.

    Args:
        row: Its number, from 0.
        question: The question.
        names: Who answers, side by side; one empty name where only one does.
        turns: What they answered, as far as they did.
        note: Why there is no answer where there is none.
    """

    DEFAULT_CSS = "TurnBox { height: auto; } TurnBox .sides { height: auto; }"

    def __init__(
        self, row: int, question: str, names: Sequence[str], turns: Sequence[Turn | None], note: str = ""
    ) -> None:
        super().__init__()
        self.row, self._question = row, question
        self.answers = [
            AnswerBox(Place(row, side), name, turn, note)
            for side, (name, turn) in enumerate(zip(names, turns, strict=True))
        ]

    def compose(self) -> ComposeResult:
        """Yield question and answers."""
        yield Static(plain(self._question), classes="asked", markup=False)
        yield Container(*self.answers, classes="sides")

    async def fail(self, why: str) -> None:
        """Say why what was not answered was not."""
        for answer in self.answers:
            await answer.fail(why)


def noted(turn: Turn | None) -> str:
    """Return one line on how an answer was made, what it cites, and what somebody thought of it."""
    if turn is None:
        return ""
    answer = turn.answer
    unsupported = sum(not citation.supported for citation in answer.citations)
    count = len(answer.citations)
    parts = [
        f"{answer.rung}, {answer.seconds:.1f} s" if answer.seconds else answer.rung,
        f"{count} citation{'' if count == 1 else 's'}" if count else "",
        f"{signs().bad} {unsupported} unsupported" if unsupported else "",
        "declined" if answer.refused else "",
        "" if turn.liked is None else "thumb up" if turn.liked else "thumb down",
    ]
    correction = f"\nshould be: {one_line(turn.correction, 120)}" if turn.correction else ""
    return ", ".join(filter(None, parts)) + correction


def _text(turn: Turn | None) -> str:
    return plain(marked_text(turn.answer)) if turn else ""
