"""A stage of reinforcement learning on a tiny model, with rewards whose optimum is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loresmith.specs import Metric, ScoredAnswer
from loresmith_plugins.methods.rlhf import RlhfOptions
from loresmith_plugins.methods.rlhf.train import RlhfTrainer
from tiny_stage import Stage


class LowerCase:
    """Share of small letters: 1 at best."""

    def score(self, answer: ScoredAnswer) -> float:
        letters = [character.islower() for character in answer.text]
        return sum(letters) / len(letters) if letters else 0.0


class Longer:
    """The longer the better, which nobody asked for."""

    def score(self, answer: ScoredAnswer) -> float:
        return min(1.0, len(answer.text) / 40)


class Inapplicable:
    """Applies to nothing."""

    def score(self, _answer: ScoredAnswer) -> None:
        return None


class Endless:
    """A mistake."""

    def score(self, _answer: ScoredAnswer) -> float:
        return float("inf")


METRICS: dict[str, type[Metric]] = {
    "lower": LowerCase,
    "longer": Longer,
    "inapplicable": Inapplicable,
    "endless": Endless,
}
QUICK = {
    "reward": "lower", "epochs": 2, "batch": 4, "samples": 2, "reply_tokens": 6, "learning_rate": 0.01, "kl": 0.01,
    "evaluations": 1, "kl_limit": 1e6, "passes": 1, "looked_at": 2,
}  # fmt: skip


@dataclass
class PolicyStage(Stage):
    """A stage of `rlhf`; its metrics are those above, by name."""

    def trainer(self) -> Any:
        self.others = {"metric": lambda entry: METRICS[entry["kind"]](), "held_out": (), **self.others}
        return RlhfTrainer(RlhfOptions.model_validate(QUICK | self.options), self.context())

    def figures(self, name: str) -> list[float]:
        return [step[name] for step in self.steps()]

    def looks(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == "dev"]
