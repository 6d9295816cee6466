"""How long something still takes, judged by how much of it was done since one began to look."""

from __future__ import annotations


class Pace:
    """Watches one activity after the other."""

    def __init__(self) -> None:
        self._activity = ""
        self._since, self._from = 0.0, 0

    def left(self, activity: str, percent: int, now: float) -> float | None:
        """Return the seconds that an activity still takes; None where that is not known yet.

        Args:
            activity: What is going on.
            percent: How much of it is done.
            now: Seconds of a clock.
        """
        if activity != self._activity or percent < self._from:
            self._activity, self._since, self._from = activity, now, percent
        made = percent - self._from
        return (now - self._since) / made * (100 - percent) if made > 0 else None
