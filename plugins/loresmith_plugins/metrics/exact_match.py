"""Exact match (Rajpurkar et al. 2016, arXiv:1606.05250)."""

from __future__ import annotations

from loresmith.specs import ScoredAnswer
from loresmith_plugins.metrics.scored_words import scored_words


class ExactMatch:
    """Right or wrong: the same words in the same order."""

    def score(self, answer: ScoredAnswer) -> float:
        """Return 1.0 or 0.0."""
        return float(scored_words(answer.text) == scored_words(answer.example.reply))
