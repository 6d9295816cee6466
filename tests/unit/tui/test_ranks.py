"""The rank explorer shows what a rank costs, and what it would keep of what the run learned."""

from __future__ import annotations

from pathlib import Path

from app_driver import opened, text_of, until, until_shown
from loresmith.runs.spectrum import spectra
from loresmith_tui.ranks import kept, mean_values
from loresmith_tui.session import Session
from small_project import edit_recipe


async def test_the_rank_is_moved_and_costs_and_energy_follow(project: Path) -> None:
    async with opened(project, (120, 40)) as pilot:
        await pilot.press("5", "x")
        await until_shown(
            pilot, "parameters train", "the recipe says rank 2", "learned with rank 2", "q_proj", "100.0%"
        )
        screen = pilot.app.screen
        at_two = screen._costs.of(2)
        assert f"{at_two.parameters:,} parameters train" in text_of(pilot)
        await pilot.press("right", "right", "plus")
        assert screen.rank == 9
        await until_shown(pilot, f"{screen._costs.of(9).parameters:,} parameters train")
        assert screen._costs.of(8).training == 4 * at_two.training
        await pilot.press("left", "left", "left", "left", "left", "minus")
        assert screen.rank == 1
        lowest = min(each.lowest for each in kept(screen._spectra[0], 1))
        assert lowest < 1
        await until_shown(pilot, f"{lowest:.1%}")
        await pilot.click("#ruler", offset=(7, 0))
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def test_before_anything_is_trained_it_says_what_a_rank_costs_and_what_to_do(fresh: Path) -> None:
    edit_recipe(fresh, {"training.0.rank": 4})
    async with opened(fresh) as pilot:
        await pilot.press("5", "x")
        await until_shown(pilot, "the recipe says rank 4", "nothing is trained yet")
        await pilot.resize_terminal(40, 10)
        await pilot.press("right", "escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


def test_the_mean_values_fall(session: Session) -> None:
    run = session.latest()
    assert run is not None
    [found] = spectra(run)
    values = [value for _, value in mean_values(found)]
    assert len(values) == 2
    assert values[0] > values[1] > 0
