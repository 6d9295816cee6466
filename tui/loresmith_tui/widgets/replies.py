"""The replies of a task, side by side where there is room, else below each other; nothing says where they come from."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import ScrollableContainer, VerticalScroll
from textual.message import Message
from textual.widgets import Static

from loresmith.journal.judgements import DrawnReply
from loresmith.labelling.drawing import REPLIES
from loresmith.labelling.ranking import Ranking
from loresmith_tui.shown import plain, signs

COLUMN = 34
"""Columns that a reply wants to stand beside another one."""


class ReplyBox(VerticalScroll, can_focus=False):
    """One reply with the number that picks it.

    Args:
        place: Its place on the screen, from 0.
    """

    class Picked(Message):
        """A click picked the reply at a place."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, place: int) -> None:
        super().__init__(classes="reply")
        self._place = place

    def compose(self) -> ComposeResult:
        """Yield number and text."""
        yield Static("", classes="number", markup=False)
        yield Static("", classes="text", markup=False)

    def show(self, reply: DrawnReply) -> None:
        """Show another reply."""
        cut = "" if reply.whole else f"\n{signs().bad} cut off: it ran out of tokens"
        self.query_one(".text", Static).update(f"{plain(reply.text)}{cut}")
        self.scroll_home(animate=False)

    def mark(self, rank: int | None) -> None:
        """Show the rank that the reply has so far."""
        said = f"{signs().good} rank {rank}" if rank else ""
        self.query_one(".number", Static).update(f"{self._place + 1}   {said}")
        self.set_class(rank is not None, "-ranked")

    def on_click(self) -> None:
        """Take the click for its key."""
        self.post_message(self.Picked(self._place))


class Replies(ScrollableContainer, can_focus=True):
    """The replies of a task."""

    def __init__(self, id: str) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id)
        self._count = 0

    def compose(self) -> ComposeResult:
        """Yield as many boxes as a task may have replies; those that it has not are hidden."""
        for place in range(REPLIES.stop - 1):
            yield ReplyBox(place)

    def show(self, ranking: Ranking) -> None:
        """Show another task."""
        replies = ranking.shown
        self._count = len(replies)
        for place, box in enumerate(self.query(ReplyBox)):
            box.display = place < len(replies)
            if place < len(replies):
                box.show(replies[place])
        self._arrange()
        self.scroll_home(animate=False)
        self.mark(ranking)

    def mark(self, ranking: Ranking) -> None:
        """Show the ranks so far."""
        for place, box in enumerate(self.query(ReplyBox)):
            box.mark(ranking.rank(place))

    def on_resize(self) -> None:
        """Put the replies where there is room."""
        self._arrange()

    def action_scroll_down(self) -> None:
        """Scroll all that is longer than the room."""
        self._scroll(1)

    def action_scroll_up(self) -> None:
        """Scroll back."""
        self._scroll(-1)

    def _scroll(self, by: int) -> None:
        for each in (self, *self.query(ReplyBox)):
            each.scroll_relative(y=by, animate=False)

    def _arrange(self) -> None:
        self.set_class(self.size.width < COLUMN * self._count, "-stacked")
