"""When this process looks through its objects for garbage: when nobody presses anything.

Python does so when enough was made, whoever waits: with the objects of a full app that stops the screen for a tenth of
a second and more. Here it is done in the pauses, and those objects that stay are not looked at again.
"""

from __future__ import annotations

import gc
import time

PAUSE = 1.0
"""Seconds without a key, a click or a paste after which there is time for it."""
ENOUGH = 10
"""Lesser collections since the last whole one that make one worth while, as many as Python itself waits for."""
SELDOM = 1000
"""Lesser collections after which Python makes a whole one even while keys are pressed."""
STAY = 50_000
"""Objects that are left by a collection, after which they count as there to stay: libraries and rooms."""


class Sweeper:
    """Collects garbage in the pauses of whoever works with the app."""

    def __init__(self) -> None:
        self._busy = time.monotonic()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, SELDOM)

    def disturbed(self) -> None:
        """Note that somebody pressed something."""
        self._busy = time.monotonic()

    def sweep(self) -> bool:
        """Collect if nobody was there for a while and there is something to collect; return whether it was done."""
        if time.monotonic() - self._busy < PAUSE or gc.get_count()[2] < ENOUGH:
            return False
        gc.collect()
        if len(gc.get_objects()) > STAY:
            gc.freeze()
        return True
