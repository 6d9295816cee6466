"""A turn of a conversation: the question, and the answer as Markdown while and after it is written."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownStream

from loresmith.values import Answer
from loresmith_tui.shown import plain, signs


class TurnBox(Vertical):
    """One turn.

    Args:
        question: The question.
        answer: The answer, if it is there.
    """

    DEFAULT_CSS = "TurnBox { height: auto; }"

    def __init__(self, question: str, answer: Answer | None = None) -> None:
        super().__init__()
        self._question, self._answer = question, answer
        self._stream: MarkdownStream | None = None

    def compose(self) -> ComposeResult:
        """Yield question, answer, and a line on what it cites."""
        yield Static(plain(self._question), classes="asked", markup=False)
        yield Markdown(plain(self._answer.answer) if self._answer else "", open_links=False)
        yield Static(cited(self._answer) if self._answer else "", classes="cited", markup=False)

    async def add(self, piece: str) -> None:
        """Add a piece of the answer."""
        if self._stream is None:
            self._stream = Markdown.get_stream(self.query_one(Markdown))
        await self._stream.write(plain(piece))

    async def finish(self, answer: Answer) -> None:
        """Show the answer as it is kept, which may differ from what came in pieces."""
        if self._stream is not None:
            await self._stream.stop()
            self._stream = None
        await self.query_one(Markdown).update(plain(answer.answer))
        self.note(cited(answer))

    def note(self, text: str) -> None:
        """Say something below the answer."""
        self.query_one(".cited", Static).update(plain(text))


def cited(answer: Answer) -> str:
    """Return one line on what an answer cites, and how it was made."""
    unsupported = sum(not citation.supported for citation in answer.citations)
    parts = [f"{answer.rung}, {answer.seconds:.1f} s"]
    if answer.citations:
        parts.append(f"{len(answer.citations)} citation{'' if len(answer.citations) == 1 else 's'}")
    if unsupported:
        parts.append(f"{signs().bad} {unsupported} unsupported")
    if answer.refused:
        parts.append("declined")
    return ", ".join(parts)
