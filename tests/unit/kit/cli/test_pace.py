from __future__ import annotations

from loresmith.cli.pace import Pace


def test_time_left_is_judged_by_what_was_done_since_the_first_look() -> None:
    pace = Pace()
    assert pace.left("embedding", 10, 100, 100.0) is None
    assert pace.left("embedding", 10, 100, 105.0) is None
    assert pace.left("embedding", 30, 100, 110.0) == 35.0
    assert pace.left("sealing", 0, 40, 111.0) is None
    assert pace.left("sealing", 20, 40, 113.0) == 2.0
