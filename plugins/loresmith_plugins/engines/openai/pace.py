"""When a request may be sent: all wait where one was told to, and whoever fails again waits twice as long."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT = 0.5
"""Seconds before the first repetition; each further one waits twice as long, give or take a half."""

LONGEST_WAIT = 60.0
"""Seconds nobody waits longer than, whatever the endpoint asks for."""


class Pace:
    """What the workers of one engine share: how long nobody may ask, and whether it is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.answered = 0
        """Requests that were answered."""
        self._not_before = 0.0
        self._lock = threading.Lock()

    def wait(self) -> bool:
        """Wait until a request may be sent; False if it is over."""
        while (left := self._not_before - time.monotonic()) > 0:
            if self.over.wait(left):
                return False
        return not self.over.is_set()

    def hold_all(self, seconds: float) -> None:
        """Let nobody ask for so long."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def note_answer(self) -> None:
        """Count a request that was answered."""
        with self._lock:
            self.answered += 1

    def back_off(self, attempt: int) -> None:
        """Let this worker alone wait after its attempt number `attempt`."""
        self.over.wait(backing_off(attempt))


def backing_off(attempt: int) -> float:
    """Return the seconds to wait after attempt number `attempt`, from 1 on, jittered so that workers spread."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.5)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks to wait, given in seconds or as a date, or None; capped."""
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        at = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (at - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None
