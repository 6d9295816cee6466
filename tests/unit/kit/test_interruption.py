from __future__ import annotations

import os
import signal
import threading

import pytest

from loresmith.interruption import SIGNALS, Interruption


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_at_once_what_has_nothing_to_lose(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), Interruption().listening():
        os.kill(os.getpid(), number)


def test_patient_work_is_told_and_ends_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    interruption = Interruption()
    with interruption.listening(), interruption.patient():
        assert not interruption.stopping()
        os.kill(os.getpid(), signal.SIGINT)
        assert interruption.stopping()
    assert "once more to stop at once" in capsys.readouterr().err


def test_a_second_signal_stops_patient_work_at_once() -> None:
    interruption = Interruption()
    with interruption.listening(), interruption.patient():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interruption().listening():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    seen = []

    def work() -> None:
        with Interruption().listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
