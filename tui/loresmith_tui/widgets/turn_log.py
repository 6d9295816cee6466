"""A long conversation of which only the turns near the one that is looked at are on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.containers import VerticalScroll

from loresmith_tui.widgets.turn import AnswerBox, Place, TurnBox

MOUNTED = 20
"""Turns on the screen."""
STEP = 4
"""Turns that are brought in when an end comes near."""
NEAR = 2
"""Lines from an end that are near."""


class TurnLog(VerticalScroll, can_focus=False):
    """The turns of a conversation.

    Args:
        make: Makes the box of a row.
        id: Id of the widget.
    """

    def __init__(self, make: Callable[[int], TurnBox], id: str) -> None:  # noqa: A002 - as all widgets name it
        super().__init__(id=id)
        self._make = make
        self._count = self._first = self._last = 0
        self._moving = False
        self.held = False
        """Whether the turns on the screen stay: one of them is being written."""
        self.chosen = Place(-1)
        """The answer that keys act on; row -1 where there is none."""

    def on_mount(self) -> None:
        """Stay at the end."""
        self.anchor()

    async def show(self, count: int) -> None:
        """Show a conversation of so many rows anew, at its end."""
        await self.query(TurnBox).remove()
        self._count, self._first, self._last = count, count, count
        await self._move(max(0, count - MOUNTED), count)
        self.choose(Place(count - 1))
        self.anchor()

    async def put(self, box: TurnBox) -> None:
        """Show the box of the last row, or of a new one behind it, at the end."""
        for before in self.query(TurnBox):
            if before.row == box.row:
                await before.remove()
        self._count = max(self._count, box.row + 1)
        await self._move(max(0, self._count - MOUNTED), self._count, box)
        self.choose(Place(box.row))
        self.anchor()

    def answer(self, place: Place) -> AnswerBox | None:
        """Return the box of an answer, if it is on the screen."""
        return next((box for box in self.query(AnswerBox) if box.place == place), None)

    def choose(self, place: Place) -> None:
        """Have the keys act on another answer."""
        self.chosen = place
        boxes = self.query(AnswerBox)
        for box in boxes:
            box.set_class(len(boxes) > 1 and box.place == place, "-chosen")

    async def go_to(self, place: Place) -> None:
        """Choose an answer and bring it on the screen."""
        if not self._first <= place.row < self._last:
            first = max(0, min(place.row - MOUNTED // 2, self._count - MOUNTED))
            await self._move(first, min(self._count, first + MOUNTED), stay=False)
        self.choose(place)
        self.release_anchor()
        self.call_after_refresh(self._bring, place)

    def _bring(self, place: Place) -> None:
        box = self.answer(place)
        if box is not None:
            self.scroll_to_widget(box, animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Bring more turns in where an end comes near."""
        super().watch_scroll_y(old_value, new_value)
        if self._moving or self.held:
            return
        if new_value < old_value and new_value <= NEAR and self._first > 0:
            self.call_after_refresh(self._shift, -STEP)
        elif new_value > old_value and new_value >= self.max_scroll_y - NEAR and self._last < self._count:
            self.call_after_refresh(self._shift, STEP)

    async def _shift(self, by: int) -> None:
        first = max(0, min(self._first + by, self._count - MOUNTED))
        if self._moving or self.held or first == self._first:
            return
        self.release_anchor()
        await self._move(first, min(self._count, first + MOUNTED))

    async def _move(self, first: int, last: int, new: TurnBox | None = None, *, stay: bool = True) -> None:
        """Have the rows from `first` to before `last` on the screen.

        Args:
            first: The first row.
            last: The one behind the last.
            new: The box of the last of them, which is not to be made.
            stay: Whether what is looked at stays where it is.
        """
        self._moving = True
        try:
            boxes = {box.row: box for box in self.query(TurnBox)}
            kept = [row for row in boxes if first <= row < last]
            stays = boxes[kept[0] if first < self._first else kept[-1]] if kept else None
            height, at_end = stays.virtual_region.y - self.scroll_y if stays else 0, self.is_vertical_scroll_end
            with self.app.batch_update():
                await self._mount_rows(range(first, kept[0]) if kept else range(0), before=stays)
                await self._mount_rows(range(kept[-1] + 1 if kept else first, last - (new is not None)))
                if new is not None:
                    await self.mount(new)
                await asyncio.gather(*(box.remove() for row, box in boxes.items() if row not in kept))
            self._first, self._last = first, last
            if stays is not None and stay and not at_end:
                self.call_after_refresh(lambda: self._hold(stays, height))
        finally:
            self._moving = False

    async def _mount_rows(self, rows: range, before: TurnBox | None = None) -> None:
        boxes = [self._make(row) for row in rows]
        if boxes:
            await (self.mount_all(boxes, before=before) if before else self.mount_all(boxes))

    def _hold(self, box: TurnBox, height: float) -> None:
        self.scroll_to(y=box.virtual_region.y - height, animate=False, immediate=True)
