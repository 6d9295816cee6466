"""Rooms that plugins bring: opened behind a guard, so that one that fails is told and left, and nothing else breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.worker import WorkerFailed

from loresmith_tui.screens.room import error_text
from loresmith_tui.shown import plain

if TYPE_CHECKING:
    from loresmith.specs import ScreenSpec
    from loresmith_tui.app import LoresmithApp

PREFIX = "of-plugin-"
"""How the modes of these rooms begin; no room of the app's own is named so."""


class ForeignRooms:
    """The rooms of plugins that were entered.

    Args:
        app: The app they are shown in.
    """

    def __init__(self, app: LoresmithApp) -> None:
        self._app = app
        self._entered: set[str] = set()

    def enter(self, name: str) -> None:
        """Go to the room that a plugin registered under a name; one that cannot be made is told."""
        from loresmith.specs import ScreenSpec

        try:
            spec = self._app.session.host.registry.get(ScreenSpec, name)  # its plugin may have been switched off
            if name not in self._entered:
                self._make(spec)
            self._app.switch_mode(PREFIX + name)
        # A plugin is foreign code: whatever it raises, the app goes on.
        except Exception as error:  # noqa: BLE001
            self._drop(name, error)

    def caught(self, error: Exception) -> bool:
        """Take an error for that of the plugin whose room is on the screen, tell it and leave; return whether it is."""
        mode = self._app.current_mode
        if not mode.startswith(PREFIX):
            return False
        cause = error.error if isinstance(error, WorkerFailed) else error
        name = mode.removeprefix(PREFIX)
        # The room's own message loop is where this is called: it cannot be taken down from within.
        self._app.call_later(self._leave, name, cause)
        return True

    def _make(self, spec: ScreenSpec) -> None:
        screen = spec.build()()
        if not isinstance(screen, Screen):
            raise TypeError(f"it is no textual screen but {type(screen).__name__}")
        self._app.add_mode(PREFIX + spec.name, lambda: screen)
        self._entered.add(spec.name)

    async def _leave(self, name: str, error: BaseException) -> None:
        if name in self._entered:
            if self._app.current_mode == PREFIX + name:
                await self._app.switch_mode("more")
            self._drop(name, error)

    def _drop(self, name: str, error: BaseException) -> None:
        """Forget a room, so that it is made anew when it is wanted again, and tell why."""
        if name in self._entered:
            self._entered.discard(name)
            self._app.remove_mode(PREFIX + name)
        text = error_text(error) if isinstance(error, Exception) else repr(error)
        title = f"the room {name} of a plugin failed"
        self._app.notify(plain(text), title=title, severity="error", timeout=12, markup=False)
