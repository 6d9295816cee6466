"""How far a build is, read from the files of its run, whoever started it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loresmith.runs.run import Run

AXES = ("step", "steps", "tokens", "seconds", "n", "stage", "best", "time")
"""Numbers of events that count something and are no figures to be drawn."""
SCALED = {"memory": ("memory, GB", 1e9)}
"""Figures that are drawn under another name, divided by something."""
RECENT = 20
"""Steps over which the speed is taken."""


@dataclass(slots=True)
class Stage:
    """What the events say of one training stage.

    Args:
        step: Steps made.
        steps: Steps there are.
        figures: Of each figure its points, by step.
        dev: The same of the looks at held-out data.
        pace: (step, seconds, tokens) of the last steps.
        receipt: What it trains: the receipt without its samples.
    """

    step: int = 0
    steps: int = 0
    figures: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    dev: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    pace: list[tuple[int, float, float]] = field(default_factory=list)
    receipt: dict[str, Any] = field(default_factory=dict)

    @property
    def tokens_a_second(self) -> float:
        """Speed over the last steps; 0 where it is not known."""
        seconds = self.pace[-1][1] - self.pace[0][1] if self.pace else 0.0
        return (self.pace[-1][2] - self.pace[0][2]) / seconds if seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """Seconds until its last step, at the speed of the last ones; 0 where that is not known."""
        made = self.pace[-1][0] - self.pace[0][0] if self.pace else 0
        return (self.pace[-1][1] - self.pace[0][1]) / made * (self.steps - self.step) if made > 0 else 0.0

    @property
    def names(self) -> list[str]:
        """The names of all figures, those of the steps first."""
        return list(dict.fromkeys([*self.figures, *self.dev]))

    def take(self, event: dict[str, Any]) -> None:
        """Take an event in."""
        match event.get("event"):
            case "receipt":
                self.receipt = event
            case "dev":
                _add(self.dev, event)
            case "step":
                self._step(event)

    def _step(self, event: dict[str, Any]) -> None:
        if event["step"] <= self.step:  # taken up from a checkpoint: what came after it is made anew
            self.figures, self.dev = (_before(event["step"], figures) for figures in (self.figures, self.dev))
            self.pace = []
        self.step, self.steps = event["step"], event["steps"]
        _add(self.figures, event)
        if _number(event.get("seconds")):
            self.pace = [*self.pace, (self.step, event["seconds"], event.get("tokens", 0))][-RECENT:]


class Watch:
    """Reads the events of a run as they come; only what is new is read, and its recipe only when that changed.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self.run_id = run.id
        self._path = run.folder / "events.jsonl"
        self._read = 0
        self._planned: tuple[float, list[tuple[str, str]]] = (-1.0, [])
        self.stages: dict[int, Stage] = {}

    def look(self) -> None:
        """Take in the events that came since the last look."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._read)
                new = stream.read()
        except OSError:
            return
        whole = new.rfind(b"\n") + 1
        self._read += whole
        for line in new[:whole].split(b"\n"):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("stage"), int):
                self.stages.setdefault(event["stage"], Stage()).take(event)

    def steps(self, run: Run) -> list[tuple[str, bool]]:
        """Return the steps of the run in their order, and whether each is done, as it stands now."""
        written = run.recipe.stat().st_mtime if run.recipe.is_file() else 0.0
        if written != self._planned[0]:
            self._planned = (written, _planned(run.recipe))
        done = run.manifest.steps
        return [*((name, step in done) for step, name in self._planned[1]), ("verdict", bool(run.read_report()))]

    @property
    def now(self) -> int | None:
        """The number of the stage that trains, or that trained last."""
        return max(self.stages, default=None)


def _planned(recipe: Path) -> list[tuple[str, str]]:
    """Return key and name of the steps that a run's recipe asks for, without the verdict."""
    import yaml

    try:
        asked = yaml.safe_load(recipe.read_text(encoding="utf-8"))
        stages = [(f"train:{number}", f"train {stage['method']}") for number, stage in enumerate(asked["training"])]
        return [*stages, *((f"eval:{rung}", f"ask {rung}") for rung in asked["evaluation"]["rungs"])]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return []


def _add(figures: dict[str, list[tuple[float, float]]], event: dict[str, Any]) -> None:
    for name, value in event.items():
        if name not in AXES and _number(value):
            shown, unit = SCALED.get(name, (name, 1.0))
            figures.setdefault(shown, []).append((event["step"], value / unit))


def _before(step: int, figures: dict[str, list[tuple[float, float]]]) -> dict[str, list[tuple[float, float]]]:
    return {name: [point for point in points if point[0] < step] for name, points in figures.items()}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
