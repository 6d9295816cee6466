from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from loresmith.process import Process, peak_memory

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def test_the_process_that_asks_is_not_gone() -> None:
    assert not Process.this().gone
    assert Process.from_json(Process.this().to_json()) == Process.this()


def test_a_process_that_ended_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert replace(Process.this(), pid=child.pid).gone


@needs_proc
def test_a_process_that_ended_and_was_not_waited_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdin is not None
    started = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    process = Process(child.pid, f"{boot}/{started}", Process.this().host)
    assert not process.gone
    child.stdin.close()
    while Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        pass
    assert process.gone
    child.wait()


@needs_proc
def test_the_same_id_with_another_start_time_is_another_process() -> None:
    assert replace(Process.this(), started="before/1").gone


def test_of_another_machine_nothing_is_known() -> None:
    assert not replace(Process.this(), host="elsewhere", pid=2**22 + 1).gone


@needs_proc
def test_a_process_that_a_signal_stopped_is_paused_until_another_lets_it_go_on() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process = Process.of(child.pid)
    now, most = process.memory
    assert 0 < now <= most
    assert not process.paused
    child.send_signal(signal.SIGSTOP)
    while not process.paused:
        assert not process.gone
    child.send_signal(signal.SIGCONT)
    while process.paused:
        pass
    child.kill()
    child.communicate()
    assert (process.paused, process.memory) == (False, (0, 0))


def test_the_peak_of_this_process_is_known() -> None:
    assert peak_memory() > 10_000_000
