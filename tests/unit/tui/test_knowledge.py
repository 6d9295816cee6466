from __future__ import annotations

from pathlib import Path

from app_driver import opened, said, typed, until, until_shown


async def test_a_search_shows_every_score_and_the_chunk_within_its_document(project: Path) -> None:
    async with opened(project, (160, 40)) as pilot:
        await pilot.press("2")
        await until_shown(pilot, "8 documents are indexed")
        await pilot.press("slash")
        await typed(pilot, "a bicycle costs 2 crowns")
        await until_shown(pilot, "bicycles.md", "dense", "bm25", "hit 1", "A bicycle costs 2 crowns each way")
        await pilot.press("enter")
        await until_shown(pilot, "(Escape closes)")
        area = pilot.app.screen.query_one("TextArea")
        await until(pilot, lambda: area.selected_text, "the marked chunk")


async def test_it_says_why_an_expected_document_is_not_found(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("2")
        await pilot.press("w")
        await until(pilot, lambda: "Search for something first" in said(pilot))
        await pilot.press("slash")
        await typed(pilot, "bicycle")
        await until_shown(pilot, "hit 1")
        await pilot.press("w")
        await until_shown(pilot, "Which document did you expect?", "storms.md")
        pilot.app.screen.query_one("OptionList").highlighted = 6
        await pilot.press("enter")
        await until_shown(pilot, "storms.md")


async def test_searching_before_indexing_says_what_to_press(fresh: Path) -> None:
    async with opened(fresh) as pilot:
        await pilot.press("2")
        await until_shown(pilot, "press i to index")
        await pilot.press("slash")
        await typed(pilot, "bicycle")
        await until(pilot, lambda: "loresmith index" in said(pilot))
