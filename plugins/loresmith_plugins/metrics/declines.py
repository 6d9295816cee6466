"""Whether the assistant says so when the documents do not answer."""

from __future__ import annotations

from loresmith.specs import ScoredAnswer


class Declines:
    """Right or wrong: declined where it had to."""

    def score(self, answer: ScoredAnswer) -> float | None:
        """Return 1.0 or 0.0; None where the documents do answer."""
        return None if answer.example.answerable else float(answer.refused)
