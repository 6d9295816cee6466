from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from loresmith_tui.app import DARK
from loresmith_tui.shown import one_line, same_length
from loresmith_tui.widgets.bars import interval, share, span_of
from loresmith_tui.widgets.plot import ENOUGH, Curve, Plot, thinned


@pytest.fixture(params=["0", "1"], ids=["unicode", "ascii"])
def ascii_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("LORESMITH_ASCII", request.param)
    return request.param == "1"


def test_an_interval_stands_where_its_figures_are(ascii_only: bool) -> None:
    drawn = interval(0.5, 0.25, 0.75, 21)
    assert len(drawn) == 21
    assert drawn == ("     |----o----|     " if ascii_only else "     ├────●────┤     ")


@pytest.mark.parametrize(("mean", "low", "high"), [(0, 0, 0), (1, 1, 1), (0.5, -3, 9)])
def test_an_interval_never_leaves_its_line(mean: float, low: float, high: float) -> None:
    assert len(interval(mean, low, high, 10)) == 10


def test_the_span_holds_all_intervals_even_one_without_width() -> None:
    low, high = span_of([{"low": 0.2, "high": 0.2, "mean": 0.2}])
    assert low < 0.2 < high
    assert span_of([]) == (0.0, 1.0)


def test_a_share_is_full_at_its_end_and_empty_where_nothing_is_known(ascii_only: bool) -> None:
    full, empty = ("#", ".") if ascii_only else ("█", "░")
    assert share(5, 10, 10) == full * 5 + empty * 5
    assert share(30, 10, 4) == full * 4
    assert share(0, 0, 4) == empty * 4


def test_text_is_made_harmless_and_positions_in_it_stay() -> None:
    text = "a\x1b[31mb\r\n\x00c\u202ed\u2028e"
    assert len(same_length(text)) == len(text)
    assert all(character == "\n" or character.isprintable() for character in same_length(text))
    assert "\x1b" not in one_line(text)
    assert one_line("x" * 900, 10) == "x" * 9 + one_line("x" * 900, 10)[-1]


async def test_the_mean_of_a_figure_that_jumps_is_drawn_over_it_as_soon_as_there_are_enough_steps() -> None:
    class Shown(App[None]):
        def on_mount(self) -> None:
            self.register_theme(DARK)
            self.theme = DARK.name

        def compose(self) -> ComposeResult:
            yield Plot()

    def points(count: int) -> list[tuple[float, float]]:
        return [(float(step), float(step % 2)) for step in range(count)]

    async with Shown().run_test() as pilot:
        plot = pilot.app.query_one(Plot)
        plot.draw([Curve("loss", points(ENOUGH - 1), "primary", jumps=True)])
        assert " loss 0 " in plot.render().plain
        plot.draw([Curve("loss", points(10 * ENOUGH), "primary", jumps=True)])
        drawn = plot.render()
        assert " loss 1, mean 0.5" in drawn.plain
        variables = pilot.app.theme_variables
        colours = {str(span.style) for span in drawn.spans}
        assert {variables["primary"].lower(), variables["primary-muted"].lower()} <= {one.lower() for one in colours}
        plot.draw([Curve("learning_rate", points(10 * ENOUGH), "primary")])
        assert " learning_rate 1 " in plot.render().plain


@pytest.mark.parametrize("count", [1, 399, 400, 401, 12_345])
def test_a_long_curve_is_drawn_by_the_means_of_neighbours(count: int) -> None:
    points = [(float(x), float(x % 7)) for x in range(count)]
    drawn = thinned(points, 400)
    assert len(drawn) == min(count, 400)
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
    if count <= 400:
        assert drawn == points
    else:
        assert sum(y for _, y in drawn) / 400 == pytest.approx(3, abs=0.1)
