"""Some examples as a stage reads them; what is wanted next is asked of the room below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Label, Static

from loresmith.building.previewing import SHOWN, Preview
from loresmith_tui.screens.mask import rendered
from loresmith_tui.shown import plain


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which examples are to be shown: the stage, and the place of the first on the training side."""

    stage: int
    first: int


class PreviewScreen(ModalScreen[Wanted | None]):
    """Shows a few examples; leaves with what is wanted next, or None.

    Args:
        found: The examples.
        stages: The methods of the recipe's stages.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close"),
        Binding("n,right_square_bracket", "turn(1)", "Next"),
        Binding("b,left_square_bracket", "turn(-1)", "Before"),
        Binding("g", "stage", "Stage"),
    ]

    def __init__(self, found: Preview, stages: Sequence[str]) -> None:
        super().__init__()
        self._found, self._stages = found, list(stages)

    def compose(self) -> ComposeResult:
        """Put the examples into a frame."""
        found, receipt = self._found, self._found.receipt
        last = min(found.first + SHOWN, found.total)
        cut = any(trained is None for sample in receipt.samples for _, trained in sample)
        head = (
            f"stage {found.stage} of {len(self._stages)}, {found.method}: examples {found.first} to {last - 1} of "
            f"{found.total}; {receipt.trained_tokens} tokens trained, {receipt.masked_tokens} only read.\n"
            "{Braces} and colour mark what is trained"
        )
        tail = "; ~what the window cuts off~ stands in tildes, and training refuses such an example." if cut else "."
        with Vertical(classes="dialog tall"):
            yield Label(plain(f"{head}{tail}"), markup=False)
            with VerticalScroll():
                for number, sample in enumerate(receipt.samples, 1):
                    yield Static(f"rendered {number}", classes="title", markup=False)
                    yield Static(rendered(sample), classes="text", markup=False)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()

    def action_turn(self, by: int) -> None:
        """Want the next examples, or those before."""
        first = max(0, self._found.first + by * SHOWN)
        if first < self._found.total and first != self._found.first:
            self.dismiss(Wanted(self._found.stage, first))

    def action_stage(self) -> None:
        """Want the same examples as the next stage reads them."""
        if len(self._stages) > 1:
            self.dismiss(Wanted((self._found.stage + 1) % len(self._stages), self._found.first))
