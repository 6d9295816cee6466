from __future__ import annotations

from pathlib import Path

import pytest

from loresmith.files import replacing, sweep, write_text


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(IsADirectoryError), replacing(tmp_path / "a.txt") as temporary:
        _fail_half_way(temporary)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "stale").touch()
    with replacing(tmp_path / "adapter") as temporary:
        temporary.mkdir()
        (temporary / "weights").touch()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["adapter", "adapter/weights"]


def test_sweeping_takes_away_what_killed_writers_left_at_any_depth(tmp_path: Path) -> None:
    write_text(tmp_path / "run" / "report.json", "{}")
    (tmp_path / "run" / ".report.json.71.tmp").touch()
    (tmp_path / "run" / ".adapter.72.tmp" / "deep").mkdir(parents=True)
    (tmp_path / "run" / ".adapter.72.tmp" / ".weights.72.tmp").touch()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "report.json"]


def test_sweeping_puts_back_what_was_only_moved_aside(tmp_path: Path) -> None:
    write_text(tmp_path / ".checkpoint.71.old" / "progress.json", "the last")
    write_text(tmp_path / ".checkpoint.71.tmp" / "progress.json", "the next")
    write_text(tmp_path / ".adapter.71.old" / "weights", "the last")
    write_text(tmp_path / "adapter" / "weights", "the next")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter", "checkpoint"]
    assert (tmp_path / "checkpoint" / "progress.json").read_text() == "the last"
    assert (tmp_path / "adapter" / "weights").read_text() == "the next"


def test_sweeping_leaves_other_hidden_files_alone(tmp_path: Path) -> None:
    names = [".rag.0f3a.part", ".gitignore", ".notes.tmp"]
    for name in names:
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def _fail_half_way(path: Path) -> None:
    (path / "half").mkdir(parents=True)
    path.write_text("a folder is no file")
