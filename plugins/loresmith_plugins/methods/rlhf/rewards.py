"""What replies are worth: metrics, and reward models trained on preferences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loresmith.assistant.citations import without_marks
from loresmith.assistant.declines import Declines
from loresmith.assistant.prompt import assemble
from loresmith.errors import TrainError
from loresmith.specs import ScoredAnswer, StageContext
from loresmith.values import Example, Message

Scorer = Callable[[Sequence[Example], Sequence[str]], Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Rewards:
    """Several rewards, added up.

    Args:
        parts: Name, weight and scorer of each.
    """

    parts: Sequence[tuple[str, float, Scorer]]

    @classmethod
    def of(cls, entries: Sequence[Mapping[str, Any]], context: StageContext) -> Rewards:
        """Build the rewards of a recipe; raises where a metric or a stage is unknown or not done."""
        declines = Declines.of(context.train)
        parts = []
        for entry in entries:
            settings = dict(entry)
            weight = float(settings.pop("weight"))
            if "stage" in settings:
                parts.append((f"stage {settings['stage']}", weight, _reward_model(settings, context)))
            else:
                parts.append((str(settings["kind"]), weight, _metric(settings, context, declines)))
        return cls(parts)

    def score(self, examples: Sequence[Example], replies: Sequence[str]) -> list[float | None]:
        """Return the weighted sum of the rewards that apply to each reply; None where none applies.

        Raises:
            TrainError: If a reward is not finite.
        """
        totals: list[float | None] = [None] * len(replies)
        for name, weight, scorer in self.parts:
            for i, score in enumerate(scorer(examples, replies)):
                if score is not None:
                    totals[i] = (totals[i] or 0.0) + weight * _finite(score, name, examples[i])
        return totals


def _finite(score: float, name: str, example: Example) -> float:
    if not math.isfinite(score):
        raise TrainError(
            f'the reward "{name}" is {score} for a reply to {example.place or example.question!r}',
            "A reward must be a number; look at what it makes of odd replies, such as an empty one.",
        )
    return score


def _metric(settings: Mapping[str, Any], context: StageContext, declines: Declines) -> Scorer:
    metric = context.metric(settings)

    def score(examples: Sequence[Example], replies: Sequence[str]) -> list[float | None]:
        # The prompts hold no passages, so there is nothing that a mark could cite.
        return [
            metric.score(ScoredAnswer(example, without_marks(reply), (), declines.matches(reply)))
            for example, reply in zip(examples, replies, strict=True)
        ]

    return score


def _reward_model(settings: Mapping[str, Any], context: StageContext) -> Scorer:
    from loresmith_plugins.methods.reward.model import load_reward

    model = load_reward(context.trained(settings["stage"], settings.get("run", "")) / "reward")

    def score(examples: Sequence[Example], replies: Sequence[str]) -> list[float]:
        answers: list[Message] = [{"role": "assistant", "content": reply} for reply in replies]
        asked = [assemble(context.instructions, example.prompt) for example in examples]
        return model.score([[*prompt, answer] for prompt, answer in zip(asked, answers, strict=True)])

    return score
