"""A package that somebody installs: in the form, in an answer, in its trace; and one of its plugins that fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from app_driver import opened, typed, until, until_shown
from installed_package import install
from loresmith_tui.widgets.recipe_form import RecipeForm

SAMPLE = Path(__file__).parents[2] / "sample_reranker"
RERANKER = ("knowledge", "reranker")


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(SAMPLE, tmp_path / "site", monkeypatch)
    # What the app starts finds it as well.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (SAMPLE, tmp_path / "site"))))


async def test_an_installed_plugin_is_chosen_configured_and_run_and_stands_in_the_trace(fresh: Path) -> None:
    async with opened(fresh, (140, 90)) as pilot:
        await pilot.press("2")
        form = pilot.app.screen.query_one(RecipeForm)

        def at(*path: str) -> bool:
            form.go(path)
            return form.row is not None and form.row.path == path

        await until(pilot, lambda: at(*RERANKER), "the row of the reranker")
        await pilot.press("enter")
        await until_shown(pilot, "Short passages come first")
        choices = pilot.app.screen.query_one("OptionList")
        names = [str(choices.get_option_at_index(place).prompt) for place in range(choices.option_count)]
        choices.highlighted = next(place for place, name in enumerate(names) if "shortest" in name)
        await pilot.press("enter")
        await until(pilot, lambda: at(*RERANKER, "words"), "its option")
        await until_shown(pilot, "Longest passage that gets full marks")
        await pilot.press("enter", "ctrl+u", "0")
        await until_shown(pilot, "1 problem")
        await pilot.press("backspace", "5", "enter")
        await until_shown(pilot, "✓ right")
        await pilot.press("ctrl+s")
        chosen = {"kind": "shortest", "words": 5}
        file = fresh / "assistant.yaml"
        await until(pilot, lambda: yaml.safe_load(file.read_text())["knowledge"].get("reranker") == chosen)

        await pilot.press("escape", "4")
        await until_shown(pilot, "press i to index")
        await pilot.press("i")
        await until_shown(pilot, "8 documents are indexed")
        await pilot.press("slash")
        await typed(pilot, "dogs in the saloon")
        await until_shown(pilot, "hit 1, place 1 after the rera")

        await pilot.press("7", "ctrl+o")
        await until_shown(pilot, "Which rung shall answer?")
        pilot.app.screen.query_one("OptionList").highlighted = 2
        await pilot.press("enter")
        await until_shown(pilot, "rung rag")
        pilot.app.screen.query_one("#line").focus()
        await typed(pilot, "dogs in the saloon")
        await until(pilot, lambda: pilot.app.screen.talk.rows and not pilot.app.screen.busy, "the answer")
        await pilot.press("ctrl+t")
        await until_shown(pilot, "reranked 1:")


async def test_a_plugin_of_it_that_fails_says_why_and_the_other_works(project: Path) -> None:
    async with opened(project, (120, 60)) as pilot:
        await pilot.press("0")
        await until_shown(pilot, "shortest", "unfinished", "loresmith-shortest")
        table = pilot.app.screen.query_one("DataTable")
        table.move_cursor(row=table.keys.index("unfinished"))
        await until_shown(pilot, "libfoo is not installed")
        states = {status.name: status.state for status in pilot.app.session.plugins()}
        assert (states["shortest"], states["unfinished"]) == ("loaded", "failed")
        await pilot.press("1")
        await until_shown(pilot, "Recent runs")
