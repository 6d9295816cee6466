"""The room of building: starts a build, or attaches to one that runs, and shows how far it is.

The build is a process of its own. Closing the app leaves it running; opening it again finds it by its run.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from loresmith_tui.looking import Look, Looking, figures_text, said_text, state_text, steps_text
from loresmith_tui.screens.dialogs import Confirm
from loresmith_tui.screens.room import Room, error_text
from loresmith_tui.shown import plain
from loresmith_tui.watching import Stage
from loresmith_tui.widgets.plots import Plots

EVERY = 0.5
"""Seconds between two looks."""
CONFIRMED = ("--resume", "--stop-at-mask")
"""How a build goes on after a look at what it trains: the next stage is looked at too."""


class BuildScreen(Room):
    """How far the build is."""

    ROOM = "build"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "build", "Build", tooltip="Check, split, index, train, measure every rung, decide, promote"),
        Binding("c", "confirm", "Confirm", tooltip="Build, and ask before the first step, showing what is trained"),
        Binding("r", "resume", "Resume", tooltip="Go on with the latest run that is not done"),
        Binding(
            "t", "train", "Train only", show=False, tooltip="The training stages alone; resume measures them later"
        ),
        Binding(
            "e", "measure", "Measure", show=False, tooltip="Measure the rungs anew; nothing is trained or promoted"
        ),
        Binding("p", "pause", "Pause", tooltip="Stop the command where it is, or let it go on; it keeps its memory"),
        Binding("s", "stop", "Stop", tooltip="Stop after this step; what was done is kept, and r goes on with it"),
        Binding("m", "figure", "Plot", tooltip="Draw another figure: loss, margin, reward, KL, learning rate"),
        Binding("g", "stage", "Stage", show=False, tooltip="Show the figures of another training stage"),
        Binding(
            "v", "mask", "Mask", tooltip="Show what is trained: rendered examples with their trained tokens marked"
        ),
        Binding("x", "ranks", "Ranks", tooltip="What a rank costs, and how much of what was learned it would keep"),
        Binding("l", "log", "Log", show=False, tooltip="Show all that the command has said"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._look: Look | None = None
        self._looking_now = False
        self._asking = False
        self._stage: int | None = None
        self._drawn: object = None

    def furnish(self) -> ComposeResult:
        """Yield state, steps, curves, figures and log."""
        yield Static("Looking at the latest run…", id="state", classes="text", markup=False)
        with Horizontal(id="middle"):
            yield Static("", id="steps", classes="text", markup=False)
            yield Plots(id="plots")
        yield Static("", id="figures", classes="text", markup=False)
        yield Static("", id="said", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Look again and again, as long as the room is open."""
        self._looking = Looking(self.session)
        self.set_interval(EVERY, self._look_again)

    def read(self) -> None:
        """Look."""
        if self.session.project is None:
            self.query_one("#state", Static).update("No project here. Press 1, then n to start one from a recipe.")
            return
        self._look_again()

    def _look_again(self) -> None:
        # One look at a time: on a slow disk they would pile up, and two would read the same events.
        if self.is_current and self.session.project and not self._looking_now:
            self._looking_now = True
            self.beside(self._looking.look, self._show, self._not_seen, group="look")

    def _not_seen(self, error: Exception) -> None:
        self._looking_now, self._drawn = False, None
        self.query_one("#state", Static).update(plain(error_text(error)))

    # ------------------------------------------------------------------------------------------------ what is shown

    def _show(self, look: Look) -> None:
        before, self._look, self._looking_now = self._look, look, False
        number, stage = self._shown_stage()
        width = max(10, min(40, self.size.width - 50))
        texts = {
            "#state": state_text(look),
            "#steps": "\n".join(steps_text(look)),
            "#said": "\n".join(said_text(look)),
            "#figures": "\n".join(figures_text(look, number, stage, width)),
        }
        # Over a slow line it counts that what stands there already is not painted again.
        drawn = (texts, number, sum(map(len, stage.dev.values())) if stage else 0)
        if drawn != self._drawn:
            self._drawn = drawn
            for place, text in texts.items():
                self.query_one(place, Static).update(plain(text))
            self.query_one(Plots).draw(stage)
        self._ask(before, look)

    def _shown_stage(self) -> tuple[int, Stage | None]:
        """Return the stage that is looked at: the chosen one, else the one that trains or trained last."""
        watch = self._looking.watch
        if watch is None or watch.now is None:
            return 0, None
        number = self._stage if self._stage in watch.stages else watch.now
        return number, watch.stages[number]

    def _ask(self, before: Look | None, look: Look) -> None:
        """Ask what the state of things asks for: whether to train on this, and whether to go on after a kill."""
        if not self.is_current:
            return
        if self._asking and before and before.working and look.unconfirmed:
            self._asking = False
            self._ask_to_train()
        elif before and before.working and not look.working and look.gone and look.run:
            question = (
                f"The process of run {look.run.id} is gone: it was killed, or the machine ran out of memory.\n"
                "Go on with the run from its last checkpoint?"
            )
            self.app.push_screen(Confirm(question, "Resume"), lambda yes: self.action_resume() if yes else None)

    # ------------------------------------------------------------------------------------------------ what is done

    def _start(self, *words: str) -> None:
        self.beside(lambda: self.session.jobs.start(*words), lambda _: self.read(), group="start")

    def _start_anew(self, *words: str) -> None:
        """Build; a run that could be gone on with is asked about first."""
        run = self._look.run if self._look else None
        if run and run.state in ("interrupted", "failed"):
            question = f"Run {run.id} is not done: r would go on with it.\nStart another one all the same?"
            self.app.push_screen(Confirm(question, "Start"), lambda yes: self._start(*words) if yes else None)
        else:
            self._start(*words)

    def action_build(self) -> None:
        """Build."""
        self._start_anew("build")

    def action_confirm(self) -> None:
        """Build as far as it is known what is trained, and ask then."""
        self._asking = True
        self._start_anew("build", "--stop-at-mask")

    def action_resume(self) -> None:
        """Go on with a run."""
        self._start("build", "--resume")

    def action_train(self) -> None:
        """Train, and stop there."""
        self._start("train")

    def action_measure(self) -> None:
        """Measure, and do nothing else."""
        self._start("eval")

    def action_pause(self) -> None:
        """Stop the command where it is, or let it go on."""
        self.beside(self.session.jobs.pause, self._paused, group="stop")

    def _paused(self, there_was_one: bool) -> None:
        if there_was_one:
            self.read()
        else:
            self.say("nothing is at work")

    def action_stop(self) -> None:
        """Ask the command to stop."""
        self.beside(self.session.jobs.stop, self._stopped, group="stop")

    def _stopped(self, there_was_one: bool) -> None:
        self.say("stopping after this step; what was done is kept" if there_was_one else "nothing is at work")

    def action_figure(self) -> None:
        """Draw another figure."""
        self.query_one(Plots).turn()

    def action_stage(self) -> None:
        """Show the figures of the next stage."""
        watch = self._looking.watch
        if watch and watch.stages and self._look:
            numbers = sorted(watch.stages)
            self._stage = numbers[(numbers.index(self._shown_stage()[0]) + 1) % len(numbers)]
            self._show(self._look)

    def action_mask(self) -> None:
        """Show rendered examples with their trained tokens marked."""
        from loresmith_tui.screens.mask import MaskScreen

        look = self._look
        if look and look.unconfirmed:
            self._ask_to_train()
        elif look and look.run and look.receipt:
            self.app.push_screen(MaskScreen(look.run.receipts()[look.receipt]))
        else:
            self.say("There is no receipt yet: it is kept before the first step of training. Press b to build.")

    def _ask_to_train(self) -> None:
        from loresmith_tui.screens.mask import MaskQuestion

        look = self._look
        if look and look.run and look.receipt:
            self.app.push_screen(MaskQuestion(look.run.receipts()[look.receipt]), self._told_to_train)

    def _told_to_train(self, yes: bool | None) -> None:
        if yes:
            self._asking = True
            self._start("build", *CONFIRMED)

    def action_ranks(self) -> None:
        """Explore ranks."""
        from loresmith_tui.screens.ranks import RanksScreen

        if self.session.project is None:
            self.say("No project here. Press 1, then n to start one from a recipe.")
        else:
            self.app.push_screen(RanksScreen())

    def action_log(self) -> None:
        """Show all that the command has said."""
        from loresmith_tui.screens.reading import Reading

        log = self.session.jobs.log if self.session.project else None
        text = log.read_text(encoding="utf-8", errors="replace") if log and log.is_file() else ""
        self.app.push_screen(Reading("What the last command of this app said", text or "nothing yet"))
