"""What all rooms share: the lines at the top and the bottom, work beside the screen, and errors that are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer

from loresmith.cli.errors import describe_os_error
from loresmith.errors import LoresmithError
from loresmith_tui.session import Session
from loresmith_tui.shown import plain
from loresmith_tui.widgets.nav import Nav

if TYPE_CHECKING:
    from loresmith_tui.app import LoresmithApp

T = TypeVar("T")


class Room(Screen[None]):
    """One room of the app. A subclass names itself, furnishes, and reads anew what it shows when it is entered."""

    ROOM: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", show=False, tooltip="Out of a field, then to the first screen"),
        Binding("f5", "read", "Refresh", show=False, tooltip="Read anew what is shown"),
    ]

    class Done(Message):
        """Work that went on beside the screen has ended: its result goes to `then`."""

        bubble = False

        def __init__(self, then: Callable[[Any], object], result: Any) -> None:
            super().__init__()
            self.then, self.result = then, result

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Room.Done] = []

    def compose(self) -> ComposeResult:
        """Put the room between its two lines."""
        yield Nav(self.ROOM)
        yield from self.furnish()
        yield Footer(show_command_palette=False)

    def furnish(self) -> ComposeResult:
        """Yield what stands in the room."""
        raise NotImplementedError

    def read(self) -> None:
        """Read anew what is shown."""

    @property
    def session(self) -> Session:
        """What may be asked of the core."""
        app: LoresmithApp = self.app  # type: ignore[assignment]
        return app.session

    def on_screen_resume(self) -> None:
        """Show what is true now, whenever the room is entered, and what ended while somebody was elsewhere."""
        held, self._held = self._held, []
        for message in held:
            self.on_room_done(message)
        self.read()

    def action_read(self) -> None:
        """Read anew what is shown."""
        self.read()

    def action_leave(self) -> None:
        """Leave the field one is in, else the room."""
        from textual.widgets import Input, TextArea

        if isinstance(self.focused, Input | TextArea):
            self.set_focus(None)
        else:
            self.app.switch_mode("home")

    def colour(self, name: str) -> str:
        """Return a colour of the theme, for cells of tables."""
        return self.app.theme_variables[name]

    def beside(
        self,
        work: Callable[[], T],
        then: Callable[[T], object],
        failed: Callable[[Exception], object] | None = None,
        group: str = "read",
    ) -> None:
        """Work in a thread, so that the screen stays awake, and hand the result over when it is there.

        Args:
            work: What to do; it must not touch the screen.
            then: Is given the result, on the screen's own thread.
            failed: Is given the error; it is told at the bottom of the screen if not given.
            group: Newer work of a group takes the place of older.
        """

        def run() -> None:
            try:
                done = self.Done(then, work())
            # Whatever happens in a thread, nobody hears of it unless it is told here.
            except Exception as error:  # noqa: BLE001
                done = self.Done(failed or self.tell, error)
            self.post_message(done)

        self.run_worker(run, thread=True, exclusive=True, group=group, exit_on_error=False)

    def on_room_done(self, message: Done) -> None:
        """Hand a result over, or keep it until the room is entered again: it may open a dialog.

        Errors on the way are told too.
        """
        if self not in self.app.screen_stack:
            self._held.append(message)
            return
        try:
            message.then(message.result)
        except (LoresmithError, OSError) as error:
            self.tell(error)

    def tell(self, error: Exception) -> None:
        """Say what went wrong, and what to do."""
        self.notify(plain(error_text(error)), title="error", severity="error", timeout=12, markup=False)

    def say(self, text: str) -> None:
        """Say that something was done."""
        self.notify(plain(text), markup=False)


def error_text(error: Exception) -> str:
    """Return what a person is told of an error."""
    if isinstance(error, LoresmithError):
        return str(error)
    if isinstance(error, OSError):
        return describe_os_error(error)
    return f"{type(error).__name__}: {error}\nThis is a defect of Loresmith or of a plugin."
