from __future__ import annotations

import math

import pytest

from loresmith.ladder.report.charts import Scale, losses


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.21, 0.44], (0.2, 0.25, 0.3, 0.35, 0.4, 0.45)),
        ([0.0, 0.0], (0.0, 0.2)),
        ([-0.04, 0.19], (-0.05, 0.0, 0.05, 0.1, 0.15, 0.2)),
        ([1, 118], (0.0, 25.0, 50.0, 75.0, 100.0, 125.0)),
        ([3.0], (3.0, 4.0)),
    ],
)
def test_an_axis_begins_and_ends_on_round_ticks_around_all_values(
    values: list[float], ticks: tuple[float, ...]
) -> None:
    scale = Scale.over(values)
    assert scale.ticks == pytest.approx(ticks)
    assert all(3 <= scale.at(value) <= 97 for value in values)
    assert scale.at(scale.low) == 3
    assert scale.at(scale.high) == 97


def test_losses_are_drawn_a_stage_each_and_the_best_dev_loss_is_marked() -> None:
    events = [
        {"event": "started"},
        *({"event": "step", "stage": "sft", "step": n, "loss": 3 - n / 50} for n in range(1, 101)),
        *({"event": "dev", "stage": "sft", "step": n, "loss": 2 + abs(n - 60) / 50} for n in (20, 40, 60, 80)),
        {"event": "step", "stage": "dpo", "step": 1, "loss": 0.7},
    ]
    first, second = losses(events)
    assert (first.stage, second.stage) == ("sft", "dpo")
    assert first.best is not None
    assert first.best[2:] == (60, 2.0)
    assert "best dev loss 2.00 at step 60" in first.summary
    assert second.best is None
    assert len(first.steps.points.split()) == 100


def test_steps_told_twice_count_once_and_losses_that_are_no_numbers_are_left_out() -> None:
    events = [{"event": "step", "step": 1, "loss": 9.0}, {"event": "step", "step": 1, "loss": 2.0}]
    events += [{"event": "step", "step": 2, "loss": 1.0}, {"event": "step", "step": 3, "loss": math.nan}]
    (chart,) = losses(events)
    assert [label for *_, label in chart.steps.dots] == ["step 1: 2.000", "step 2: 1.000"]


def test_no_events_draw_nothing() -> None:
    assert losses([]) == []
    assert losses([{"event": "dev", "step": 1, "loss": math.inf}]) == []
