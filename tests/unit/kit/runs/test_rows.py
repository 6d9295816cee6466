from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from loresmith.runs.rows import TAIL, append_rows, jsonable, read_rows

WHOLE = b'{"id": 1}\n{"id": 2}\n'


@pytest.mark.parametrize(
    ("tail", "kept"),
    [
        (b"", [1, 2]),
        (b'{"id": 3', [1, 2]),
        (b'{"id": 3, "text": "caf\xc3', [1, 2]),
        (b"{", [1, 2]),
        (b"\0\0\0\0", [1, 2]),
        (b'{"id": 3}', [1, 2, 3]),
        (b'{"id": 3, "text": "' + b"x" * (2 * TAIL), [1, 2]),
    ],
)
def test_a_torn_last_row_is_passed_over_and_taken_away_before_the_next(
    tmp_path: Path, tail: bytes, kept: list[int]
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(WHOLE + tail)
    assert [row["id"] for row in read_rows(path)] == kept
    assert path.read_bytes() == WHOLE + tail
    append_rows(path, [{"id": 9}])
    assert [row["id"] for row in read_rows(path)] == [*kept, 9]
    assert len(path.read_bytes().splitlines()) == len(kept) + 1


def test_a_file_that_is_one_torn_row_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"id"')
    append_rows(path, [{"id": 1}])
    assert path.read_text() == '{"id": 1}\n'


def test_a_file_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "rows.jsonl") == []


def test_line_separators_of_unicode_do_not_cut_a_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"text": "a\u2028b\x85c\r\n"}])
    assert read_rows(path) == [{"text": "a\u2028b\x85c\r\n"}]


def test_a_lone_surrogate_does_not_stop_the_work(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    append_rows(path, [{"text": "a\ud800b"}])
    assert read_rows(path) == [{"text": "a?b"}]


def test_numbers_of_other_libraries_and_numbers_that_json_lacks_are_kept() -> None:
    value = {"loss": math.nan, "top": math.inf, "f": np.float32(0.5), "n": np.int64(3), "v": np.arange(2)}
    assert jsonable(value) == {"loss": None, "top": None, "f": 0.5, "n": 3, "v": [0, 1]}
    assert jsonable({1: (Path("a") / "b", {2}, True)}) == {"1": ["a/b", [2], True]}
