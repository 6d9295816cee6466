from __future__ import annotations

from pathlib import Path

from app_driver import opened, said, text_of, until, until_shown
from loresmith.files import read_json
from loresmith.rungs import RUNGS
from loresmith_tui.widgets.long_table import LongTable


async def test_rungs_stand_with_their_intervals_and_the_verdict_is_said(project: Path) -> None:
    [report] = (project / ".loresmith" / "runs").glob("*/report.json")
    verdict = read_json(report)["verdict"]
    async with opened(project, (120, 40)) as pilot:
        await pilot.press("6")
        await until_shown(pilot, *RUNGS, f" {verdict['ship']}. ")
        lines = text_of(pilot).splitlines()
        for rung in RUNGS:
            assert any(f" {rung} " in line and "●" in line for line in lines), rung


async def test_strata_orders_and_metrics_are_leafed_through(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("6")
        await until_shown(pilot, "worst first", "token_f1, decides", "questions: all")
        await pilot.press("s", "w", "m")
        await until_shown(pilot, "questions: answerable", "lost first", "exact_match")
        await pilot.press("s", "s")
        await until_shown(pilot, "questions: all")


async def test_the_chosen_question_stays_chosen_in_another_order(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("6")
        await until_shown(pilot, "worst first")
        screen = pilot.app.screen
        table = screen.query_one(LongTable)
        await pilot.press("down", "down")
        await until(pilot, lambda: table.cursor == 2)
        chosen = screen._questions[2].number
        for _ in range(4):
            await pilot.press("w")
            await until(pilot, lambda: screen._questions[table.cursor].number == chosen)
        await until_shown(pilot, "worst first")


async def test_the_worst_question_opens_with_every_rungs_answer_and_the_next_follows(project: Path) -> None:
    async with opened(project, (160, 40)) as pilot:
        await pilot.press("6")
        await until_shown(pilot, "worst first")
        await pilot.press("j")
        await until_shown(pilot, "1 of ", "wanted: ", *(f" {rung} " for rung in RUNGS))
        await pilot.press("n")
        await until_shown(pilot, "2 of ")
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def test_a_chosen_rung_is_promoted(own: Path) -> None:
    async with opened(own) as pilot:
        await pilot.press("6")
        await until_shown(pilot, "Verdict:")
        pilot.app.screen.query_one("#rungs").focus()
        await pilot.press("down", "p")
        await until_shown(pilot, "Make few-shot of run")
        await pilot.press("y")
        await until(pilot, lambda: read_json(own / ".loresmith" / "artefact.json")["rung"] == "few-shot")
        await pilot.press("u")
        await until_shown(pilot, "Now few-shot of run", "(version 1)?")
        await pilot.press("y")
        await until(pilot, lambda: read_json(own / ".loresmith" / "artefact.json")["version"] == 1)
        await pilot.press("u")
        await until(pilot, lambda: "nothing to go back to" in said(pilot))
