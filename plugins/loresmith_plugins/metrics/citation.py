"""Whether an answer cites the documents that it should rest on."""

from __future__ import annotations

from loresmith.specs import ScoredAnswer


class CitationPrecision:
    """Share of the cited documents that are right, so that citing all that was retrieved does not pay."""

    def score(self, answer: ScoredAnswer) -> float | None:
        """Return a share between 0 and 1; None where no document is known to be right."""
        right = set(answer.example.grounding)
        if not right or not answer.example.answerable:
            return None
        cited = set(answer.cited)
        return len(cited & right) / len(cited) if cited else 0.0
