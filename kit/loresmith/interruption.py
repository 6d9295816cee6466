"""Ctrl-C and termination: at once where nothing is lost, after the present step where a checkpoint is due."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

UNCONFIRMED = "what it trains is to be confirmed"
"""How the reason ends for which a run stands still that was to stop before its first step."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Turns signals into a wish to stop.

    Inside `patient()` the first signal is only noted, and the work asks `stopping()` when it can end well; a second one
    stops at once. Elsewhere a signal raises KeyboardInterrupt.
    """

    def __init__(self) -> None:
        self._patient = False
        self._wanted = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals while the block lasts; does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Note the first signal and go on; the block ends by itself soon after."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False

    def stopping(self) -> bool:
        """Return whether the user asked to stop."""
        return self._wanted

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if not self._patient or self._wanted:
            raise KeyboardInterrupt
        self._wanted = True
        print("stopping after this step; once more to stop at once", file=sys.stderr, flush=True)
