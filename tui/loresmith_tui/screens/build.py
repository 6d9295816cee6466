"""The room of building: starts a build, or attaches to one that runs, and shows how far it is.

The build is a process of its own. Closing the app leaves it running; opening it again finds it by its run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from loresmith.lock import Holder
from loresmith.runs.run import Run
from loresmith_tui.screens.dialogs import Confirm
from loresmith_tui.screens.room import Room, error_text
from loresmith_tui.shown import one_line, plain, signs
from loresmith_tui.watching import Stage, Watch, steps_of
from loresmith_tui.widgets.bars import share
from loresmith_tui.widgets.plot import Curve, Plot

EVERY = 0.5
"""Seconds between two looks."""
SAID = 5
"""Lines of the log that are shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found."""

    holder: Holder | None
    running: bool
    code: int | None
    run: Run | None
    steps: list[tuple[str, bool]]
    progress: tuple[str, int] | None
    said: list[str]


class BuildScreen(Room):
    """How far the build is."""

    ROOM = "build"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "build", "Build", tooltip="Check, split, index, train, measure every rung, decide, promote"),
        Binding("r", "resume", "Resume", tooltip="Go on with the latest run that is not done"),
        Binding(
            "t", "train", "Train only", show=False, tooltip="The training stages alone; resume measures them later"
        ),
        Binding(
            "e", "measure", "Measure", show=False, tooltip="Measure the rungs anew; nothing is trained or promoted"
        ),
        Binding("s", "stop", "Stop", tooltip="Stop after this step; what was done is kept, and r goes on with it"),
        Binding("m", "figure", "Figure", tooltip="Draw another figure: loss, learning rate, margin, reward, KL"),
        Binding(
            "v", "mask", "Mask", tooltip="Show what is trained: rendered examples with their trained tokens marked"
        ),
        Binding("l", "log", "Log", show=False, tooltip="Show all that the command has said"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._watch: Watch | None = None
        self._figure = "loss"
        self._look: Look | None = None
        self._looking = False

    def furnish(self) -> ComposeResult:
        """Yield state, steps, curves, figures and log."""
        yield Static("", id="state", classes="text", markup=False)
        with Horizontal(id="middle"):
            yield Static("", id="steps", classes="text", markup=False)
            yield Plot(id="plot")
        yield Static("", id="figures", classes="text", markup=False)
        yield Static("", id="said", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Look again and again, as long as the room is open."""
        self.set_interval(EVERY, self._look_again)

    def read(self) -> None:
        """Look."""
        if self.session.project is None:
            self.query_one("#state", Static).update("No project here. Press 1, then n to start one from a recipe.")
            return
        self._look_again()

    def _look_again(self) -> None:
        # One look at a time: on a slow disk they would pile up, and two would read the same events.
        if self.is_current and self.session.project and not self._looking:
            self._looking = True
            self.beside(self._looked, self._show, self._not_seen, group="look")

    def _not_seen(self, error: Exception) -> None:
        self._looking = False
        self.query_one("#state", Static).update(plain(error_text(error)))

    def _looked(self) -> Look:
        jobs, run = self.session.jobs, self.session.latest()
        if run and (self._watch is None or self._watch.run_id != run.id):
            self._watch = Watch(run)
        if self._watch:
            self._watch.look()
        steps = steps_of(run) if run else []
        return Look(jobs.at_work(), jobs.running, jobs.code, run, steps, jobs.progress(), jobs.said())

    # ------------------------------------------------------------------------------------------------ what is shown

    def _show(self, look: Look) -> None:
        self._look, self._looking = look, False
        self.query_one("#state", Static).update(plain(self._state(look)))
        self.query_one("#steps", Static).update(plain("\n".join(self._steps(look))))
        self.query_one("#said", Static).update("\n".join(one_line(line) for line in look.said[-SAID:]))
        now = self._watch.now if self._watch else None
        self.query_one("#figures", Static).update(plain("\n".join(self._figures(look, now))))
        self._draw(now[1] if now else None)

    @staticmethod
    def _state(look: Look) -> str:
        run = f"run {look.run.id}: {look.run.state}" if look.run else "nothing is built yet"
        if look.holder:
            return f"{look.holder} is at work. s stops it; closing the app does not.\n{run}"
        if look.running:
            return f"starting: the libraries are being loaded\n{run}"
        if look.run and look.run.state in ("interrupted", "failed"):
            why = f": {look.run.manifest.why}" if look.run.manifest.why else ": its process is gone"
            return f"{run}{why}\nr goes on with it from where it stopped, b starts another one"
        if look.code:
            return f"the command ended with code {look.code}: what it said is below, and l shows all of it"
        if look.run and look.run.state == "done":
            return f"{run}\n4 shows its ladder, 5 talks to the assistant, b builds another one"
        return f"{run}. b builds: check, split, index, train, measure every rung, decide"

    def _steps(self, look: Look) -> Iterator[str]:
        at_work = bool(look.holder and look.run and look.run.state == "running")
        open_steps = [name for name, done in look.steps if not done]
        for name, done in look.steps:
            now = at_work and name == (open_steps[0] if open_steps else "")
            yield f"{signs().good if done else signs().here if now else signs().dot} {name}"

    def _figures(self, look: Look, now: tuple[int, Stage] | None) -> Iterator[str]:
        width = max(10, min(40, self.size.width - 50))
        if look.progress and (look.holder or look.running):
            activity, percent = look.progress
            yield f"{share(percent, 100, width)} {percent:3} %  {one_line(activity)}"
        if now is None:
            return
        number, stage = now
        if stage.steps:
            left = f", {_duration(stage.seconds_left)} left" if look.holder and stage.step < stage.steps else ""
            speed = f", {stage.tokens_a_second:.0f} tokens/s" if stage.tokens_a_second else ""
            yield f"stage {number + 1}, step {stage.step} of {stage.steps}{speed}{left}"
        if stage.receipt:
            receipt = stage.receipt
            end = "end of turn trained" if receipt.get("eos_trained") else "END OF TURN NOT TRAINED"
            yield f"mask: {receipt['trained_tokens']} tokens trained, {receipt['masked_tokens']} read, {end}; v shows"

    def _draw(self, stage: Stage | None) -> None:
        if stage is None:
            self.query_one(Plot).draw([])
            return
        figures = list(stage.figures)
        self._figure = self._figure if self._figure in figures else (figures[0] if figures else "loss")
        curves = [Curve(self._figure, stage.figures.get(self._figure, []), "primary", "*")]
        if self._figure == "loss":
            curves.append(Curve("dev loss", stage.dev, "warning", "o"))
        self.query_one(Plot).draw(curves)

    # ------------------------------------------------------------------------------------------------ what is done

    def _start(self, *words: str) -> None:
        self.beside(lambda: self.session.jobs.start(*words), lambda _: self.read(), group="start")

    def action_build(self) -> None:
        """Build; a run that could be gone on with is asked about first."""
        run = self._look.run if self._look else None
        if run and run.state in ("interrupted", "failed"):
            question = f"Run {run.id} is not done: r would go on with it.\nStart another one all the same?"
            self.app.push_screen(Confirm(question, "Start"), lambda yes: self._start("build") if yes else None)
        else:
            self._start("build")

    def action_resume(self) -> None:
        """Go on with a run."""
        self._start("build", "--resume")

    def action_train(self) -> None:
        """Train, and stop there."""
        self._start("train")

    def action_measure(self) -> None:
        """Measure, and do nothing else."""
        self._start("eval")

    def action_stop(self) -> None:
        """Ask the command to stop."""
        self.beside(self.session.jobs.stop, self._stopped, group="stop")

    def _stopped(self, there_was_one: bool) -> None:
        self.say("stopping after this step; what was done is kept" if there_was_one else "nothing is at work")

    def action_figure(self) -> None:
        """Draw another figure."""
        now = self._watch.now if self._watch else None
        figures = list(now[1].figures) if now else []
        if figures:
            place = figures.index(self._figure) if self._figure in figures else -1
            self._figure = figures[(place + 1) % len(figures)]
            self._draw(now[1] if now else None)

    def action_mask(self) -> None:
        """Show rendered examples with their trained tokens marked."""
        from loresmith_tui.screens.mask import MaskScreen

        run = self._look.run if self._look else None
        receipts = run.receipts() if run else {}
        found = [value for name, value in receipts.items() if name.startswith("mask") and value.get("samples")]
        if found:
            self.app.push_screen(MaskScreen(found[-1]))
        else:
            self.say("There is no receipt yet: it is kept before the first step of training. Press b to build.")

    def action_log(self) -> None:
        """Show all that the command has said."""
        from loresmith_tui.screens.reading import Reading

        log = self.session.jobs.log if self.session.project else None
        text = log.read_text(encoding="utf-8", errors="replace") if log and log.is_file() else ""
        self.app.push_screen(Reading("What the last command of this app said", text or "nothing yet"))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
