from __future__ import annotations

from loresmith_tui.pace import Pace


def test_time_left_is_judged_by_what_was_done_since_the_first_look() -> None:
    pace = Pace()
    assert pace.left("embedding", 10, 100.0) is None
    assert pace.left("embedding", 10, 105.0) is None
    assert pace.left("embedding", 30, 110.0) == 35.0
    assert pace.left("sealing", 0, 111.0) is None
    assert pace.left("sealing", 50, 113.0) == 2.0
