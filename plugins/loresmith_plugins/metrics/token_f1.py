"""Token F1 (Rajpurkar et al. 2016, arXiv:1606.05250)."""

from __future__ import annotations

from collections import Counter

from loresmith.specs import ScoredAnswer
from loresmith_plugins.metrics.scored_words import scored_words


class TokenF1:
    """F1 = 2PR / (P + R) over the words that answer and wanted reply share, counted as often as both have them."""

    def score(self, answer: ScoredAnswer) -> float:
        """Return F1 between 0 and 1; two texts without words are equal."""
        given, wanted = Counter(scored_words(answer.text)), Counter(scored_words(answer.example.reply))
        if not given or not wanted:
            return float(given == wanted)
        return 2 * (given & wanted).total() / (given.total() + wanted.total())
