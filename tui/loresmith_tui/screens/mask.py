"""What training sees: rendered examples, the tokens that are trained marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Label, Static

from loresmith.building.previewing import marked
from loresmith_tui.shown import plain


class MaskScreen(ModalScreen[bool]):
    """Shows the samples of a mask receipt.

    Args:
        receipt: The receipt, as a run keeps it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close")]

    WHAT_NOW: ClassVar[str] = "Escape closes."

    def __init__(self, receipt: Mapping[str, Any]) -> None:
        super().__init__()
        self._receipt = receipt

    def compose(self) -> ComposeResult:
        """Put the samples into a frame."""
        receipt = self._receipt
        head = (
            f"{receipt['trained_tokens']} tokens trained, {receipt['masked_tokens']} only read, "
            f"in {receipt['examples']} examples; the longest has {receipt['longest']} tokens."
        )
        with Vertical(classes="dialog tall"):
            yield Label(f"{head} {{Braces}} and colour mark what is trained. {self.WHAT_NOW}", markup=False)
            with VerticalScroll():
                for number, sample in enumerate(receipt["samples"], 1):
                    yield Static(f"example {number}", classes="title", markup=False)
                    yield Static(rendered(sample), classes="text", markup=False)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()


class MaskQuestion(MaskScreen, inherit_bindings=False):
    """Shows them before the first step of training, and asks whether to go on; no is what Escape says."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "dismiss(True)", "Train"),
        Binding("n,escape", "dismiss(False)", "Not now"),
    ]
    WHAT_NOW = "Train on this? y: yes   n: not now, the run waits"

    def compose(self) -> ComposeResult:
        """Put the keys below the frame."""
        yield from super().compose()
        yield Footer(show_command_palette=False)


STYLES = {True: "$success bold", False: "$text-muted", None: "$error strike"}
"""Of what is trained, what is only read, and what the window cuts off."""


def rendered(sample: Sequence[Sequence[Any]]) -> Content:
    """Return an example as training reads it: what is trained in braces, what is cut in tildes, each in a colour."""
    return Content.assemble(*((plain(marked(text, trained)), STYLES[trained]) for text, trained in sample))
