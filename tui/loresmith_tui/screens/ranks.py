"""The rank explorer: move the rank and see what it costs, and what it would keep of what training learned."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from loresmith.cli.estimate import size
from loresmith.runs.run import Run
from loresmith.runs.spectrum import Spectrum
from loresmith_tui.ranks import MOST, Costs, costs, kept, learned, mean_values
from loresmith_tui.screens.room import Room, error_text
from loresmith_tui.shown import plain
from loresmith_tui.widgets.bars import share
from loresmith_tui.widgets.plot import Curve, Plot
from loresmith_tui.widgets.table import Cell, Table

RULER = tuple(2**power for power in range(MOST.bit_length()))
"""The ranks that stand on the ruler."""
HEADS = ("layers", "number", "largest", "energy kept", "lowest", "mean", "rank for 99 %")


class RanksScreen(ModalScreen[None]):
    """Explores ranks for the project's recipe, and for what its latest run with adapters learned."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "scale(2)", "Double", priority=True, tooltip="Twice the rank"),
        Binding("left", "scale(0.5)", "Halve", priority=True, tooltip="Half the rank"),
        Binding("plus,equals_sign", "move(1)", "One more", key_display="+", tooltip="The next higher rank"),
        Binding("minus", "move(-1)", "One less", key_display="-", tooltip="The next lower rank"),
        Binding("a", "adapter", "Adapter", tooltip="Show another adapter of the run, where rungs have their own"),
        Binding("escape,q", "dismiss", "Close"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.rank = 8
        self._costs: Costs | None = None
        self._run: Run | None = None
        self._spectra: list[Spectrum] = []
        self._place = 0

    def compose(self) -> ComposeResult:
        """Put ruler, costs, spectrum and layers into a frame."""
        with Vertical(classes="dialog tall", id="whole"):
            yield Static("", id="ruler", markup=False)
            yield Static("Reading the shapes of the base and the project's data…", id="costs", markup=False)
            yield Static("Reading what the latest run learned…", id="learned", markup=False)
            yield Plot(id="spectrum")
            yield Table(HEADS, id="kinds")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read beside the screen what is shown."""
        room = next(screen for screen in reversed(self.app.screen_stack) if isinstance(screen, Room))
        session = room.session
        self._draw()
        room.beside(lambda: costs(session), self._take_costs, self._no_costs, group="costs")
        room.beside(lambda: learned(session), self._take_learned, self._nothing_learned, group="learned")

    def _take_costs(self, found: Costs) -> None:
        self._costs, self.rank = found, min(MOST, found.stage.plan.rank)
        self._draw()

    def _no_costs(self, error: Exception) -> None:
        if self.is_attached:
            self.query_one("#costs", Static).update(plain(error_text(error)))

    def _take_learned(self, found: tuple[Run, list[Spectrum]]) -> None:
        self._run, self._spectra = found
        self._draw()

    def _nothing_learned(self, error: Exception) -> None:
        if self.is_attached:
            self.query_one("#learned", Static).update(plain(error_text(error)))
            self.query_one("#spectrum").display = self.query_one("#kinds").display = False

    # ------------------------------------------------------------------------------------------------ what is shown

    def _draw(self) -> None:
        if not self.is_attached:  # closed before what was read for it was there
            return
        self.query_one("#ruler", Static).update(self._ruler())
        if self._costs:
            self.query_one("#costs", Static).update(plain(self._costs_text(self._costs)))
        if self._spectra and self._run:
            found = self._spectra[self._place]
            self.query_one("#learned", Static).update(plain(self._learned_text(self._run, found)))
            self.query_one(Plot).draw(self._curves(found))
            self.query_one(Table).fill((str(each[0]), each) for each in self._rows(found))

    def _ruler(self) -> Content:
        """Return the ranks of the ruler, each to be clicked, and the present one among them."""
        here = f"[bold $background on $primary] {self.rank} [/]"
        ranks = sorted({*RULER, self.rank})
        marks = (here if rank == self.rank else f"[@click=screen.to({rank})]{rank}[/]" for rank in ranks)
        return Content.from_markup("rank  " + "  ".join(marks))

    def _costs_text(self, found: Costs) -> str:
        cost, stage = found.of(self.rank), found.stage
        return (
            f"{cost.parameters:,} parameters train, {cost.share:.2%} of {found.base.name}; the adapter takes "
            f"{size(cost.adapter)}, with gradients and moments {size(cost.training)}.\n"
            f"Stage {stage.number} ({stage.method}, the recipe says rank {stage.plan.rank}) takes {size(cost.needs)} "
            f"in all on {found.device.name}."
        )

    def _learned_text(self, run: Run, found: Spectrum) -> str:
        serves = f" for {' and '.join(found.rungs)}" if found.rungs else ""
        head = (
            f"Run {run.id} learned with rank {found.rank}{serves}, {found.variant}. "
            f"Of each layer's update rank {self.rank} would keep:"
        )
        return "\n".join([head, *(f"Note: {remark}." for remark in found.remarks)])

    def _curves(self, found: Spectrum) -> list[Curve]:
        values = mean_values(found)
        at = min(self.rank, len(values))
        top = max((value for _, value in values), default=0.0)
        mark = Curve("", [(at, 0.0), (at, top)], "warning", "|")
        return [mark, Curve("singular value, mean of the layers", values, "primary", "*")]

    def _rows(self, found: Spectrum) -> list[list[Cell]]:
        colour = self.app.theme_variables["success"]
        return [
            [
                each.kind, str(each.layers), f"{each.largest:.4g}", Text(share(each.lowest, 1.0, 12), colour),
                f"{each.lowest:.1%}", f"{each.mean:.1%}", str(each.needed),
            ]
            for each in kept(found, self.rank)
        ]  # fmt: skip

    # ------------------------------------------------------------------------------------------------ what is done

    def action_to(self, rank: int) -> None:
        """Go to a rank."""
        self.rank = max(1, min(MOST, rank))
        self._draw()

    def action_scale(self, by: float) -> None:
        """Double or halve the rank."""
        self.action_to(int(self.rank * by))

    def action_move(self, by: int) -> None:
        """Go to the next rank."""
        self.action_to(self.rank + by)

    def action_adapter(self) -> None:
        """Show the next adapter of the run."""
        if self._spectra:
            self._place = (self._place + 1) % len(self._spectra)
            self._draw()
