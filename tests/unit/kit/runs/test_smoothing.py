from __future__ import annotations

import pytest

from loresmith.runs.smoothing import running_mean


def test_the_mean_reaches_a_twentieth_of_all_steps_to_either_side_and_not_over_the_ends() -> None:
    series = [(step, float(step % 2)) for step in range(100)]
    means = running_mean(series)
    assert [step for step, _ in means] == list(range(100))
    assert means[50][1] == pytest.approx(sum(step % 2 for step in range(45, 56)) / 11)
    assert means[0][1] == pytest.approx(sum(step % 2 for step in range(6)) / 6)
    assert means[99][1] == pytest.approx(sum(step % 2 for step in range(94, 100)) / 6)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_steps_are_their_own_neighbours(count: int) -> None:
    assert running_mean([(step, 4.0) for step in range(count)]) == [(step, 4.0) for step in range(count)]
