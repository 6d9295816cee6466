"""How long something still takes, judged by how much of it was done since one began to look."""

from __future__ import annotations


class Pace:
    """Watches one activity after the other."""

    def __init__(self) -> None:
        self._activity = ""
        self._since, self._from = 0.0, 0

    def left(self, activity: str, done: int, total: int, now: float) -> float | None:
        """Return the seconds that an activity still takes; None where that is not known yet.

        Args:
            activity: What is going on.
            done: How much of it is done.
            total: How much there is to do.
            now: Seconds of a clock.
        """
        if activity != self._activity or done < self._from:
            self._activity, self._since, self._from = activity, now, done
        made = done - self._from
        return (now - self._since) / made * (total - done) if made > 0 else None
