"""Examples as a stage reads them, rendered beside the screen, page after page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from loresmith.building.previewing import Preview
from loresmith_tui.inspecting import Inspection
from loresmith_tui.screens.preview import PreviewScreen, Wanted

if TYPE_CHECKING:
    from loresmith_tui.screens.room import Room

Say = Callable[[str], None]
"""Shows how far it is; an empty text once that is over."""


def show_preview(room: Room, inspection: Inspection, wanted: Wanted | None, say: Say) -> None:
    """Render examples and show them; what the page is left with is rendered next.

    Args:
        room: The room that shows them.
        inspection: Renders.
        wanted: Which ones; None for no more.
        say: Told how far it is.
    """
    if wanted is None:
        return

    def told(what: str, done: int, total: int) -> None:
        if total and room.is_attached:
            room.app.call_from_thread(say, f"{what}: {done * 100 // total} %")

    def work() -> tuple[Preview, list[str]]:
        stages = [stage.method for stage in room.session.recipe().training]
        return inspection.preview(wanted.stage, wanted.first, told), stages

    def show(found: tuple[Preview, list[str]]) -> None:
        say("")
        room.app.push_screen(PreviewScreen(*found), lambda more: show_preview(room, inspection, more, say))

    def failed(error: Exception) -> None:
        say("")
        room.tell(error)

    say("rendering; the first time the libraries are loaded")
    room.beside(work, show, failed, group="preview")
