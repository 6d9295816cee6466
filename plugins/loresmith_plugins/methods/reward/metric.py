"""Metric `reward`: what a reward model thinks of an answer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from loresmith.assistant.prompt import assemble
from loresmith.specs import ScoredAnswer
from loresmith.values import Message

if TYPE_CHECKING:
    from loresmith_plugins.methods.reward.model import RewardModel


class RewardMetric:
    """σ(r) of the answer's score r. The model is loaded with the first answer.

    Args:
        path: Folder that a `reward` stage left.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._model: RewardModel | None = None

    def score(self, answer: ScoredAnswer) -> float:
        """Return the score between 0 and 1; raises `ModelError` if the folder holds no reward model."""
        if self._model is None:
            from loresmith_plugins.methods.reward.model import load_reward

            self._model = load_reward(self._path)
        reply: Message = {"role": "assistant", "content": answer.text}
        (raw,) = self._model.score([[*assemble(self._model.instructions, answer.example.prompt), reply]])
        return 1 / (1 + math.exp(-max(-500.0, min(500.0, raw))))
