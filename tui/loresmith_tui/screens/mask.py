"""What training sees: rendered examples, the tokens that are trained marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from loresmith_tui.shown import plain


class MaskScreen(ModalScreen[None]):
    """Shows the samples of a mask receipt.

    Args:
        receipt: The receipt, as a run keeps it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Close")]

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
            yield Label(f"{head} {{Braces}} and colour mark what is trained. Escape closes.", markup=False)
            with VerticalScroll():
                for number, sample in enumerate(receipt["samples"], 1):
                    yield Static(f"example {number}", classes="title", markup=False)
                    yield Static(rendered(sample), classes="text", markup=False)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()


def rendered(sample: list[list[Any]]) -> Content:
    """Return an example as training reads it, what is trained in braces and in a colour."""
    pieces = ((plain(text), trained) for text, trained in sample)
    return Content.assemble(
        *((f"{{{text}}}", "$success bold") if trained else (text, "$text-muted") for text, trained in pieces)
    )
