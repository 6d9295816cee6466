"""Questions that are put over a room: yes or no, a line or a passage of text, one or some of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, OptionList, SelectionList, TextArea
from textual.widgets.option_list import Option

from loresmith_tui.shown import plain


class Confirm(ModalScreen[bool]):
    """Asks yes or no; no is what Escape says.

    Args:
        question: What is asked, with what will happen.
        yes: The word on the button that does it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
    ]

    def __init__(self, question: str, yes: str = "Yes") -> None:
        super().__init__()
        self._question, self._yes = question, yes

    def compose(self) -> ComposeResult:
        """Put question and buttons into a frame."""
        with Vertical(classes="dialog"):
            yield Label(plain(self._question), markup=False)
            with Horizontal(classes="buttons"):
                yield Button(f"{self._yes} (y)", id="yes", variant="primary")
                yield Button("No (n)", id="no")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take the click for the answer."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Take the key for the answer."""
        self.dismiss(yes)


class Line(ModalScreen[str]):
    """Asks for a line of text; an empty one, or Escape, means never mind.

    Args:
        question: What is asked.
        value: What the line begins with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Never mind")]

    def __init__(self, question: str, value: str = "") -> None:
        super().__init__()
        self._question, self._value = question, value

    def compose(self) -> ComposeResult:
        """Put question and line into a frame."""
        with Vertical(classes="dialog"):
            yield Label(plain(self._question), markup=False)
            yield Input(plain(self._value), select_on_focus=False)
            yield Label("Enter: go on   Escape: never mind", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand the line over."""
        self.dismiss(event.value.strip())


class Choice(ModalScreen[str]):
    """Asks for one of several; Escape means none, an empty text.

    Args:
        question: What is asked.
        options: What there is: what is returned, and what is shown.
        chosen: What is chosen now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss('')", "Never mind")]

    def __init__(self, question: str, options: Sequence[tuple[str, str]], chosen: str = "") -> None:
        super().__init__()
        self._question, self._options, self._chosen = question, options, chosen

    def compose(self) -> ComposeResult:
        """Put question and options into a frame."""
        with Vertical(classes="dialog"):
            yield Label(plain(self._question), markup=False)
            yield OptionList(*(Option(plain(shown)) for _, shown in self._options), markup=False)

    def on_mount(self) -> None:
        """Start at what is chosen now."""
        names = [name for name, _ in self._options]
        self.query_one(OptionList).highlighted = names.index(self._chosen) if self._chosen in names else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Hand the choice over."""
        self.dismiss(self._options[event.option_index][0])


class Several(ModalScreen[list[str] | None]):
    """Asks for some of several; Escape means never mind.

    Args:
        question: What is asked.
        options: What there is.
        chosen: What is chosen now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Never mind"),
        Binding("enter", "done", "Take these", priority=True),
    ]

    def __init__(self, question: str, options: Sequence[str], chosen: Sequence[str]) -> None:
        super().__init__()
        self._question, self._options, self._chosen = question, options, chosen

    def compose(self) -> ComposeResult:
        """Put question and options into a frame."""
        with Vertical(classes="dialog"):
            yield Label(plain(self._question), markup=False)
            yield SelectionList[str](*((Content(plain(each)), each, each in self._chosen) for each in self._options))
            yield Label("Space: in or out   Enter: take these   Escape: never mind", classes="hint")

    def action_done(self) -> None:
        """Hand over what is chosen, in the order it is offered."""
        chosen = self.query_one(SelectionList).selected
        self.dismiss([each for each in self._options if each in chosen])


class Passage(ModalScreen[str | None]):
    """Asks for a text of several lines; Escape means never mind.

    Args:
        question: What is asked.
        value: What the text begins with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Never mind", priority=True),
        Binding("ctrl+s", "done", "Take it", priority=True),
    ]

    def __init__(self, question: str, value: str = "") -> None:
        super().__init__()
        self._question, self._value = question, value

    def compose(self) -> ComposeResult:
        """Put question and text into a frame."""
        with Vertical(classes="dialog tall"):
            yield Label(plain(self._question), markup=False)
            yield TextArea(self._value, soft_wrap=True)
            with Horizontal(classes="buttons"):
                yield Button("Take it (Ctrl+S)", id="take", variant="primary")
                yield Button("Never mind (Esc)", id="never")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Take the click for the answer."""
        self.dismiss(self.query_one(TextArea).text if event.button.id == "take" else None)

    def action_done(self) -> None:
        """Hand the text over."""
        self.dismiss(self.query_one(TextArea).text)
