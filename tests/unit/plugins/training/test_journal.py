"""A journal loses nothing that was put into it, whatever ended the process."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loresmith.errors import TrainError
from loresmith_plugins.training.journal import Journal

CHILD = """
import os, signal, sys
from pathlib import Path
from loresmith_plugins.training.journal import Journal
journal = Journal(Path(sys.argv[1]))
for i in range(3):
    journal.put(str(i), {"reply": f"the {i}th"})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_rows_are_there_again_and_the_later_one_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deeper" / "journal.jsonl")
    assert journal.get("a") is None
    journal.put("a", {"reply": "line\nbreak \u2028 \x85 \r and é"})
    journal.put("b", {"reply": "first"})
    journal.put("b", {"reply": "second", "turns": (1, 2)})
    again = Journal(tmp_path / "deeper" / "journal.jsonl")
    assert len(journal) == len(again) == 2
    assert again.get("a") == journal.get("a") == {"reply": "line\nbreak \u2028 \x85 \r and é"}
    assert again.get("b") == journal.get("b") == {"reply": "second", "turns": [1, 2]}


@pytest.mark.parametrize("half", [b'{"key": "c", "row": {"rep', b"\0\0\0\0\n", b"7\n", b'{"key": "c", "row": {}}'])
def test_what_was_cut_short_is_dropped_and_the_next_row_is_whole(tmp_path: Path, half: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).put("a", {"reply": "kept"})
    with path.open("ab") as stream:
        stream.write(half)
    taken_up = Journal(path)
    assert (len(taken_up), taken_up.get("a"), taken_up.get("c")) == (1, {"reply": "kept"}, None)
    taken_up.put("c", {"reply": "asked again"})
    assert Journal(path).get("c") == {"reply": "asked again"}
    assert path.read_bytes().count(b"\n") == 2


def test_a_kill_loses_nothing_that_was_put(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    killed = subprocess.run([sys.executable, "-c", CHILD, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [Journal(path).get(str(i)) for i in range(3)] == [{"reply": f"the {i}th"} for i in range(3)]


def test_a_lone_surrogate_is_replaced_at_once_as_it_will_be_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.put("a", {"reply": "odd \ud800"})
    assert journal.get("a") == Journal(tmp_path / "journal.jsonl").get("a") == {"reply": "odd ?"}


def test_a_full_disk_is_told_and_what_was_put_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "replies.jsonl")
    journal.put("a", {"reply": "kept"})

    def fsync(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(TrainError, match=r'"replies.jsonl" cannot be written: the disk is full') as full:
        journal.put("b", {"reply": "lost"})
    assert "--resume" in full.value.hint
    assert journal.get("b") is None
    assert Journal(tmp_path / "replies.jsonl").get("a") == {"reply": "kept"}
