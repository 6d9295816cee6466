from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from app_driver import until
from loresmith_tui.app import LoresmithApp
from loresmith_tui.session import Session
from loresmith_tui.sweeping import ENOUGH, PAUSE, Sweeper


class Knot:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def knotted() -> weakref.ref[Knot]:
    """Return a reference to garbage that no lesser collection looks at any more."""
    knot = Knot()
    gc.collect()
    for _ in range(ENOUGH):
        gc.collect(1)
    return weakref.ref(knot)


def test_garbage_is_collected_in_a_pause_and_not_while_somebody_presses_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    sweeper, garbage = Sweeper(), knotted()
    now += 10 * PAUSE
    sweeper.disturbed()
    assert not sweeper.sweep()
    assert garbage() is not None
    now += PAUSE
    assert sweeper.sweep()
    assert garbage() is None
    assert not sweeper.sweep(), "there is nothing new to collect"


async def test_the_app_sweeps_when_nobody_is_there_and_a_key_puts_it_off(tmp_path: Path) -> None:
    class Heard(Sweeper):
        heard = swept = 0

        def disturbed(self) -> None:
            self.heard += 1

        def sweep(self) -> bool:
            self.swept += 1
            return False

    sweeper = Heard()
    async with LoresmithApp(Session(tmp_path), sweeper).run_test() as pilot:
        await pilot.press("tab", "tab")
        assert sweeper.heard >= 2
        await until(pilot, lambda: sweeper.swept, "a sweep")
