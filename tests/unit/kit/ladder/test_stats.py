from __future__ import annotations

import math

import numpy as np
import pytest

from loresmith.ladder.stats import holm, mcnemar_p, mean_interval, minimum_detectable, paired_difference


def binary(won: int, lost: int, both: int = 0) -> tuple[list[float], list[float]]:
    return [1.0] * won + [0.0] * lost + [1.0] * both, [0.0] * won + [1.0] * lost + [1.0] * both


@pytest.mark.parametrize(
    ("won", "lost", "both", "p"),
    [
        (0, 0, 9, 1.0),
        (1, 0, 0, 1.0),
        (5, 0, 4, 2 / 32),
        (1, 8, 0, 2 * (1 + 9) / 512),
        (8, 1, 30, 2 * (1 + 9) / 512),
        (3, 3, 1, 1.0),
        (2, 10, 0, 2 * (1 + 12 + 66) / 4096),
        (900, 1100, 0, 8.457089535503874e-06),
    ],
)
def test_mcnemar_is_the_binomial_test_on_what_just_one_gets_right(won: int, lost: int, both: int, p: float) -> None:
    assert mcnemar_p(*binary(won, lost, both)) == pytest.approx(p, rel=1e-9)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_the_minimum_detectable_difference_by_hand() -> None:
    # Differences 0.1 and -0.1, fifty of each: s = 0.1 * sqrt(100 / 99).
    one, other = [0.6, 0.5] * 50, [0.5, 0.6] * 50
    assert minimum_detectable(one, other) == pytest.approx(2.8015852 * 0.1 * math.sqrt(100 / 99) / 10)
    assert minimum_detectable([1.0], [0.0]) is None
    assert minimum_detectable([0.5, 0.5], [0.5, 0.5]) == 0.0


def test_the_detectable_difference_is_found_four_times_in_five() -> None:
    drawn = np.random.default_rng(2)
    found = 0
    for _ in range(300):
        other = drawn.normal(0.3, 0.1, 60)
        noise = drawn.normal(0.0, 0.15, 60)
        shift = 2.8015852 * 0.15 / math.sqrt(60)
        found += paired_difference(list(other + shift + noise), list(other), 500, seed=1).low > 0
    assert 0.73 < found / 300 < 0.88


def test_the_interval_holds_the_truth_about_nineteen_times_in_twenty() -> None:
    drawn = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        scores = drawn.beta(2, 4, size=60)
        interval = mean_interval(list(scores), 600, seed=7)
        covered += interval.low <= 2 / 6 <= interval.high
    assert 0.91 < covered / 400 < 0.98


def test_no_difference_is_called_one_about_once_in_twenty() -> None:
    drawn = np.random.default_rng(3)
    ps = []
    for _ in range(400):
        one, other = drawn.normal(0.3, 0.1, (2, 50))
        ps.append(paired_difference(list(one), list(other), 600, seed=7).p)
    assert 0.02 < sum(p < 0.05 for p in ps) / 400 < 0.09


def test_equal_answers_show_no_difference() -> None:
    found = paired_difference([0.2, 0.7, 0.4], [0.2, 0.7, 0.4], 200, seed=1)
    assert (found.delta, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_handful_of_questions_that_all_agree_prove_nothing() -> None:
    one, other = [0.9, 0.8, 0.9], [0.1, 0.2, 0.3]
    assert paired_difference(one, other, 1000, seed=1).p == 0.25
    assert paired_difference([1.0], [0.0], 1000, seed=1).p == 1.0


def test_the_difference_is_paired_and_turns_with_its_sides() -> None:
    base = list(np.linspace(0.0, 0.9, 40))
    better = [score + 0.05 + 0.01 * (index % 2) for index, score in enumerate(base)]
    found = paired_difference(better, base, 2000, seed=1)
    assert found.delta == pytest.approx(0.055)
    assert 0.05 <= found.low < 0.055 < found.high <= 0.06
    assert found.p < 0.01
    turned = paired_difference(base, better, 2000, seed=1)
    assert (turned.low, turned.high, turned.p) == pytest.approx((-found.high, -found.low, found.p))


def test_binary_metrics_take_their_p_from_mcnemar() -> None:
    one, other = binary(8, 1, 30)
    found = paired_difference(one, other, 1000, seed=1, binary=True)
    assert found.p == mcnemar_p(one, other)
    assert found.delta == pytest.approx(7 / 39)


def test_the_same_seed_gives_the_same_interval_however_it_is_cut_into_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = list(np.random.default_rng(0).random(50))
    whole = mean_interval(scores, 1000, seed=5)
    assert mean_interval(scores, 1000, seed=5) == whole
    assert mean_interval(scores, 1000, seed=6) != whole
    monkeypatch.setattr("loresmith.ladder.stats._BLOCK", 700)
    assert mean_interval(scores, 1000, seed=5) == whole
