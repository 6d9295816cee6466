"""What the room of building shows, looked up from the files of a run and the process that writes it; no screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from loresmith.cli.estimate import size
from loresmith.interruption import UNCONFIRMED
from loresmith.lock import Holder
from loresmith.moments import duration
from loresmith.runs.run import Run
from loresmith_tui.jobs import Progress
from loresmith_tui.session import Session
from loresmith_tui.shown import one_line, signs
from loresmith_tui.watching import Stage, Watch
from loresmith_tui.widgets.bars import share

FIRST = ("loss", "margin", "reward", "kl", "learning_rate")
"""Parts of the names of figures that are drawn before others."""


SAID = 4
"""Lines of the log that are shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found.

    Args:
        holder: The command that writes in the project.
        running: Whether a command that was started here runs; before it holds the project it loads its libraries.
        code: With which code the one started here has ended.
        paused: Whether a signal stopped it until it is let go on.
        memory: Bytes it has in memory, and the most it had; zeros where nobody knows.
    """

    holder: Holder | None
    running: bool
    code: int | None
    paused: bool
    memory: tuple[int, int]
    run: Run | None
    steps: list[tuple[str, bool]]
    progress: Progress | None
    said: list[str]

    @property
    def working(self) -> bool:
        """Whether a command is at work, paused or not."""
        return self.running or self.holder is not None

    @property
    def unconfirmed(self) -> bool:
        """Whether the run stands still until somebody has looked at what it trains."""
        run = self.run
        return bool(run and not self.working and run.state == "interrupted" and run.manifest.why.endswith(UNCONFIRMED))

    @property
    def gone(self) -> bool:
        """Whether the run's process ended without a word: it was killed, or the machine went down."""
        return self.run is not None and self.run.state == "interrupted" and not self.run.manifest.why

    @property
    def receipt(self) -> str:
        """The name of the receipt of what the stage trains that stands still, or that trained last; empty if none."""
        names = [name for name in (self.run.receipts() if self.run else {}) if name.startswith("mask")]
        # That of the last stage bears no number, and is made last.
        return "mask" if "mask" in names else max(names, default="")


class Looking:
    """Looks again and again; only what is new of a run's events is read.

    Args:
        session: The project.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.watch: Watch | None = None

    def look(self) -> Look:
        """Look; raises UsageError if there is no project."""
        jobs, run = self._session.jobs, self._session.latest()
        if run is None or self.watch is None or self.watch.run_id != run.id:
            self.watch = Watch(run) if run else None
        if self.watch:
            self.watch.look()
        process = jobs.process
        return Look(
            holder=jobs.at_work(),
            running=jobs.running,
            code=jobs.code,
            paused=bool(process and process.paused),
            memory=process.memory if process else (0, 0),
            run=run,
            steps=self.watch.steps(run) if run and self.watch else [],
            progress=jobs.progress(),
            said=jobs.said(),
        )


def state_text(look: Look) -> str:
    """Return how it stands, and what can be done about it."""
    run = f"run {look.run.id}: {look.run.state}" if look.run else "nothing is built yet"
    if look.paused:
        return f"{look.holder or 'the command'} is paused: it keeps its memory. p lets it go on, s stops it.\n{run}"
    if look.holder:
        return f"{look.holder} is at work. s stops it, p pauses it; closing the app does neither.\n{run}"
    if look.running:
        return f"starting: the libraries are being loaded\n{run}"
    if look.unconfirmed:
        return f"{run} before its first step, so that you can see what it trains\nv shows it, r goes on, b starts anew"
    if look.run and look.run.state in ("interrupted", "failed"):
        why = f": {look.run.manifest.why}" if look.run.manifest.why else ": its process is gone"
        return f"{run}{why}\nr goes on with it from where it stopped, b starts another one"
    if look.code:
        return f"the command ended with code {look.code}: what it said is below, and l shows all of it"
    if look.run and look.run.state == "done":
        return f"{run}\n6 shows its ladder, 7 talks to the assistant, b builds another one"
    return f"{run}. b builds: check, split, index, train, measure every rung, decide"


def steps_text(look: Look) -> Iterator[str]:
    """Yield the steps of the run, each with a sign: done, now, to come."""
    at_work = bool(look.holder and look.run and look.run.state == "running")
    now = next((name for name, done in look.steps if not done), "") if at_work else ""
    for name, done in look.steps:
        yield f"{signs().good if done else signs().here if name == now else signs().dot} {name}"


def figures_text(look: Look, number: int, stage: Stage | None, width: int) -> Iterator[str]:
    """Yield how far the command is, and the figures of a stage.

    Args:
        look: What was found.
        number: The stage's place in the recipe.
        stage: What the events say of it.
        width: Columns of the bar.
    """
    if look.progress and look.working:
        activity, percent, left = look.progress
        # A stage knows by its steps how long it takes, and says so below.
        about = "" if stage and stage.step < stage.steps else left
        yield f"{share(percent, 100, width)} {percent:3} %  {one_line(activity)}{about}"
    memory = _memory_text(look, stage)
    if stage and stage.steps:
        left = f", {duration(stage.seconds_left)} left" if look.holder and stage.step < stage.steps else ""
        speed = f", {stage.tokens_a_second:.0f} tokens/s" if stage.tokens_a_second else ""
        yield f"stage {number}, step {stage.step} of {stage.steps}{speed}{left}{memory and f', {memory}'}"
    elif memory:
        yield memory
    if stage and stage.receipt:
        receipt = stage.receipt
        end = "end of turn trained" if receipt.get("eos_trained") else "END OF TURN NOT TRAINED"
        yield f"mask: {receipt['trained_tokens']} tokens trained, {receipt['masked_tokens']} read, {end}; v shows"


def said_text(look: Look) -> Iterator[str]:
    """Yield the last lines of what a command of the app said; of one that is over they say so."""
    lines = [one_line(line) for line in look.said if line.strip()][-SAID:]
    if lines and not look.working:
        yield "The last command said:"
    yield from lines


def _memory_text(look: Look, stage: Stage | None) -> str:
    now, most = look.memory
    if now:
        return f"memory {size(now)}, at most {size(most)}"
    peak = max((value for _, value in stage.figures.get("memory, GB", [])), default=0.0) if stage else 0.0
    return f"memory at most {size(round(peak * 1e9))}" if peak else ""


def ordered(names: list[str]) -> list[str]:
    """Return the names of figures, those first that are looked at most."""
    return sorted(names, key=_place)


def _place(name: str) -> int:
    if name == "loss":
        return 0
    return next((place for place, part in enumerate(FIRST) if place and part in name), len(FIRST))
