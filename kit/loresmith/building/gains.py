"""What each training stage gained on the dev split, so that a stage that does not pay is seen.

Choices are made by it, so it never looks at the test side. Held-out preferences, where there are any, say besides
whether a stage brought the model nearer to what people prefer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import fmean
from typing import Any

from loresmith.assistant.prompt import assemble
from loresmith.building.measuring import Measuring
from loresmith.errors import DataError, ModelError
from loresmith.ladder.stats import Interval, share_interval
from loresmith.recipe.models import Stage
from loresmith.runs.hashes import data_hash, value_hash, weights_hash
from loresmith.runs.run import Run
from loresmith.specs import ChoosingEngine
from loresmith.values import Preference, Weights

MOST_PAIRS = 64
"""Held-out pairs that are looked at; each is read by itself."""


@dataclass(frozen=True, slots=True)
class PairAccuracy:
    """How many of `n` held-out pairs have the likelier reply chosen, before and after a stage."""

    n: int
    before: Interval
    after: Interval

    @property
    def line(self) -> str:
        """What is said of it."""
        before, after = (f"{one.mean:.3f} [{one.low:.3f}, {one.high:.3f}]" for one in (self.before, self.after))
        return f"chosen reply likelier in {before} → {after} of {self.n} held-out pairs"


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
    pairs: PairAccuracy | None = None

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Gain:
        """Read what a run kept."""
        pairs = kept.get("pairs")
        read = pairs and PairAccuracy(pairs["n"], Interval(**pairs["before"]), Interval(**pairs["after"]))
        return cls(**{**kept, "pairs": read})

    @property
    def line(self) -> str:
        """What is said of it."""
        said = (
            f"gain of {self.method} on {self.n} dev questions ({self.rung}): "
            f"{self.metric} {self.before:.3f} → {self.after:.3f} ({self.after - self.before:+.3f})"
        )
        return f"{said}; {self.pairs.line}" if self.pairs else said


@dataclass(frozen=True)
class Gains:
    """Measures the stages of a run.

    Args:
        measuring: Asks the rungs; its engine is loaded for a stage and let go of, since the next stage needs the room.
        run: Where the figures are kept.
        held_out: Preferences that are never learnt from.
    """

    measuring: Measuring
    run: Run
    held_out: Sequence[Preference] = ()

    def stage(self, number: int, stage: Stage, before: Weights, after: Weights) -> Gain | None:
        """Return the gain of a stage, measured now or before; None where it left the weights as they were."""
        rung = "tuned" if "tuned" in stage.rungs else "hybrid"
        if after == before or not self.measuring.split.dev:
            return None
        step = f"gain:{number}"
        key = value_hash([rung, weights_hash(before), weights_hash(after), data_hash(self._pairs)])
        if not self.run.done(step, key):
            gain = self._measured(number, stage, rung, before, after)
            self.run.event({"event": "gain", **asdict(gain)})
            self.run.mark(step, key, asdict(gain))
            self.run.write_receipt("gains", self._kept(number) | {f"stage {number}": asdict(gain)})
        return Gain.of(self.run.result(step))

    @property
    def _pairs(self) -> list[Preference]:
        return [preference for preference in self.held_out if preference.chosen][:MOST_PAIRS]

    def _measured(self, number: int, stage: Stage, rung: str, before: Weights, after: Weights) -> Gain:
        spec, metric = self.measuring.metrics[0]
        dev = self.measuring.split.dev

        def mean(weights: Weights) -> float:
            scores = [self.measuring.scored(e, a, metric) for e, a in self.measuring.asked(dev, rung, weights)]
            return fmean([score for score in scores if score is not None] or [0.0])

        made = partial(Gain, number, stage.method, rung, spec.name, len(dev))
        try:
            pairs = self._pair_accuracy(before, after)
            return made(mean(before), mean(after), pairs)
        finally:
            self.measuring.forget_engine()

    def _pair_accuracy(self, before: Weights, after: Weights) -> PairAccuracy | None:
        """Return how held-out pairs are told apart; None where there are none, or where the engine does not tell."""
        engine, pairs = self.measuring.engine, self._pairs
        if not pairs or not isinstance(engine, ChoosingEngine):
            return None
        try:
            was, now = (self._told_apart(engine, pairs, weights) for weights in (before, after))
        except (ModelError, DataError):
            return None
        return PairAccuracy(len(pairs), share_interval(was, len(pairs)), share_interval(now, len(pairs)))

    def _told_apart(self, engine: ChoosingEngine, pairs: Sequence[Preference], weights: Weights) -> int:
        """Return for how many pairs the chosen reply is likelier than the rejected one, each as a whole."""
        engine.use(weights)
        count = 0
        for number, pair in enumerate(pairs):
            self.measuring.report("reading held-out pairs", number, len(pairs))
            asked = assemble(self.measuring.materials.recipe.instructions, pair.prompt)
            chosen, rejected = engine.log_probabilities([asked], [pair.chosen.strip(), pair.rejected.strip()])[0]
            count += chosen > rejected
        return count

    def _kept(self, number: int) -> dict[str, dict[str, object]]:
        kept: dict[str, dict[str, object]] = self.run.receipts().get("gains", {})
        return {name: gain for name, gain in kept.items() if gain["stage"] != number}
