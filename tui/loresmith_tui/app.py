"""The app: its rooms, the keys that hold everywhere, its themes. What happens in a room is the room's own business."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Event, InputEvent, Paste
from textual.screen import Screen
from textual.theme import Theme

from loresmith_tui import rooms
from loresmith_tui.commands import Actions, PluginRooms
from loresmith_tui.screens.foreign import ForeignRooms
from loresmith_tui.session import Session
from loresmith_tui.shown import ascii_only
from loresmith_tui.styles import LastingStyles
from loresmith_tui.sweeping import PAUSE, Sweeper

if TYPE_CHECKING:
    from loresmith_tui.widgets.keyed import Keyed

# The colours of Okabe and Ito, which people with any colour vision tell apart.
DARK = Theme(
    "loresmith", primary="#56B4E9", secondary="#CC79A7", accent="#F0E442", warning="#E69F00", error="#E8743B",
    success="#2FC49A", foreground="#E6E6E6", background="#101418", surface="#171D23", panel="#222B33", dark=True,
)  # fmt: skip
LIGHT = Theme(
    "loresmith-light", primary="#0072B2", secondary="#A0457E", accent="#7A5C00", warning="#8F5F00", error="#B04A00",
    success="#00735A", foreground="#1A1A1A", background="#FAFAF7", surface="#F0F0EC", panel="#E2E2DC", dark=False,
)  # fmt: skip


class LoresmithApp(App[None]):
    """The terminal app.

    Args:
        session: What it may ask of the core.
        sweeper: Is asked in every pause whether there is garbage to collect; without one, Python collects as ever.
    """

    TITLE = "Loresmith"
    CSS_PATH = "app.tcss"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {
        name: room.open for name, room in rooms.ROOMS.items()
    }
    COMMANDS = App.COMMANDS | {Actions, PluginRooms}
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(room.key, f"go('{name}')", room.title, show=False, tooltip=room.tooltip)
            for name, room in rooms.ROOMS.items()
        ),
        Binding("question_mark,f1", "keys", "Keys", key_display="?", tooltip="What can be pressed on this screen"),
        Binding("escape", "go('home')", "Back", show=False),  # out of a plugin's room that does not know the key
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, tooltip="Close the app; what is running goes on"),
    ]

    def __init__(self, session: Session, sweeper: Sweeper | None = None) -> None:
        super().__init__()
        self.stylesheet = LastingStyles(variables=self.get_css_variables())
        self.session = session
        self.sweeper = sweeper
        self.foreign = ForeignRooms(self)
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name

    def on_mount(self) -> None:
        """Open the first room."""
        if ascii_only():
            self.add_class("-ascii")
        if self.sweeper:
            self.set_interval(PAUSE, self.sweeper.sweep)
        self.switch_mode("home")

    def on_ready(self) -> None:
        """Make the other rooms ready to be entered, now that the first screen stands."""
        self.run_worker(rooms.load_all, thread=True, exit_on_error=False)

    async def on_event(self, event: Event) -> None:
        """Hear of every key and click before the screen does."""
        if self.sweeper and isinstance(event, InputEvent | Paste):
            self.sweeper.disturbed()
        await super().on_event(event)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Leave out of the palette what our own actions do."""
        return (each for each in super().get_system_commands(screen) if each.title not in ("Keys", "Quit"))

    def action_go(self, room: str) -> None:
        """Go to a room."""
        if len(self.screen_stack) == 1:  # a question that is open wants its answer first
            self.switch_mode(room)

    def action_keys(self) -> None:
        """Show what can be pressed."""
        from loresmith_tui.screens.keys import KeysScreen

        if not isinstance(self.screen, KeysScreen):
            self.push_screen(KeysScreen(self.screen), self._press)

    async def _press(self, chosen: Keyed | None) -> None:
        if chosen:
            await self.run_action(chosen.action, chosen.node)

    def _handle_exception(self, error: Exception) -> None:
        """Go on where it is a plugin's room that failed."""
        if not self.foreign.caught(error):
            super()._handle_exception(error)
