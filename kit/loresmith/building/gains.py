"""What each training stage gained on the dev split, so that a stage that does not pay is seen.

Choices are made by it, so it never looks at the test side.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean

from loresmith.building.measuring import Measuring
from loresmith.recipe.models import Stage
from loresmith.runs.hashes import value_hash, weights_hash
from loresmith.runs.run import Run
from loresmith.values import Weights


@dataclass(frozen=True, slots=True)
class Gain:
    """The decisive metric on `n` dev examples before and after a stage, asked the way of a rung."""

    stage: int
    method: str
    rung: str
    metric: str
    n: int
    before: float
    after: float

    @property
    def line(self) -> str:
        """What is said of it."""
        return (
            f"gain of {self.method} on {self.n} dev questions ({self.rung}): "
            f"{self.metric} {self.before:.3f} → {self.after:.3f} ({self.after - self.before:+.3f})"
        )


@dataclass(frozen=True)
class Gains:
    """Measures the stages of a run.

    Args:
        measuring: Asks the rungs; its engine is loaded for a stage and let go of, since the next stage needs the room.
        run: Where the figures are kept.
    """

    measuring: Measuring
    run: Run

    def stage(self, number: int, stage: Stage, before: Weights, after: Weights) -> Gain | None:
        """Return the gain of a stage, measured now or before; None where it left the weights as they were."""
        rung = "tuned" if "tuned" in stage.rungs else "hybrid"
        if after == before or not self.measuring.split.dev:
            return None
        step, key = f"gain:{number}", value_hash([rung, weights_hash(before), weights_hash(after)])
        if not self.run.done(step, key):
            gain = self._measured(number, stage, rung, before, after)
            self.run.event({"event": "gain", **asdict(gain)})
            self.run.mark(step, key, asdict(gain))
            self.run.write_receipt("gains", self._kept(number) | {f"stage {number}": asdict(gain)})
        return Gain(**self.run.result(step))

    def _measured(self, number: int, stage: Stage, rung: str, before: Weights, after: Weights) -> Gain:
        spec, metric = self.measuring.metrics[0]
        dev = self.measuring.split.dev

        def mean(weights: Weights) -> float:
            scores = [self.measuring.scored(e, a, metric) for e, a in self.measuring.asked(dev, rung, weights)]
            return fmean([score for score in scores if score is not None] or [0.0])

        try:
            return Gain(number, stage.method, rung, spec.name, len(dev), mean(before), mean(after))
        finally:
            self.measuring.forget_engine()

    def _kept(self, number: int) -> dict[str, dict[str, object]]:
        kept: dict[str, dict[str, object]] = self.run.receipts().get("gains", {})
        return {name: gain for name, gain in kept.items() if gain["stage"] != number}
