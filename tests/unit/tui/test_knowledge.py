from __future__ import annotations

from pathlib import Path

import yaml
from textual.widgets import Input

from app_driver import opened, said, text_of, typed, until, until_shown
from small_project import edit_recipe


async def test_a_search_shows_every_score_and_the_chunk_within_its_document(project: Path) -> None:
    async with opened(project, (160, 40)) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "8 documents are indexed")
        await pilot.press("slash")
        await typed(pilot, "a bicycle costs 2 crowns")
        await until_shown(pilot, "bicycles.md", "dense", "bm25", "hit 1", "A bicycle costs 2 crowns each way")
        chunk = pilot.app.screen.query_one("#text").content
        marked = {chunk.plain[span.start : span.end] for span in chunk.spans}
        assert {"bicycle", "costs", "2", "crowns"} <= marked
        assert "way" not in marked
        await pilot.press("enter")
        await until_shown(pilot, "(Escape closes)")
        area = pilot.app.screen.query_one("TextArea")
        await until(pilot, lambda: area.selected_text, "the marked chunk")


async def test_it_says_why_an_expected_document_is_not_found(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("4")
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


async def test_other_settings_are_tried_at_once_and_written_only_when_one_says_so(own: Path) -> None:
    recipe = own / "assistant.yaml"
    recipe.write_text(recipe.read_text() + "# ours\n")
    before = recipe.read_text()
    async with opened(own, (140, 40)) as pilot:
        await pilot.press("4", "slash")
        await typed(pilot, "a bicycle costs 2 crowns")
        await until_shown(pilot, "2 hits of")
        await pilot.press("t")
        await until_shown(pilot, "rrf_k", "How chunks are found")
        await pilot.press("down")
        await until_shown(pilot, "Chunks for a question")
        await pilot.press("plus", "plus")
        await until_shown(pilot, "4 hits of", "tried: retriever.k 4", "new ▲")
        await pilot.press("enter", "backspace", "0", "enter")
        await until_shown(pilot, "must be at least 1")
        await pilot.press("enter", "backspace", "3", "enter")
        await until_shown(pilot, "3 hits of", "tried: retriever.k 3")
        assert recipe.read_text() == before
        await pilot.press("W")
        await until_shown(pilot, "Write this into the recipe?", "retriever.k: 3")
        await pilot.press("y")
        await until(pilot, lambda: "written into the recipe" in said(pilot))
        await until(pilot, lambda: "tried:" not in text_of(pilot))
        await until_shown(pilot, "3 hits of")
    assert yaml.safe_load(recipe.read_text())["knowledge"]["retriever"]["k"] == 3
    assert "# ours" in recipe.read_text()


async def test_a_setting_that_is_dropped_is_as_the_recipe_says_again(own: Path) -> None:
    async with opened(own) as pilot:
        await pilot.press("4", "slash")
        await typed(pilot, "bicycle")
        await until_shown(pilot, "2 hits of")
        await pilot.press("t")
        await until_shown(pilot, "fused by score")
        await pilot.press("enter")
        await until_shown(pilot, "BM25 alone")
        pilot.app.screen.query_one("OptionList").highlighted = 0
        await pilot.press("enter")
        await until_shown(pilot, "tried: retriever.kind bm25")
        await pilot.press("x")
        await until(pilot, lambda: "tried:" not in text_of(pilot))


async def test_one_knowledge_base_is_searched_alone(own: Path) -> None:
    (own / "rules").mkdir()
    (own / "rules" / "smoking.md").write_text("# Smoking\n\nNobody smokes on board.\n")
    edit_recipe(own, {"knowledge.bases": {"rules": {"sources": [{"kind": "files", "path": "rules"}]}}})
    async with opened(own) as pilot:
        await pilot.press("4", "b")
        await until_shown(pilot, "Which knowledge base?", "the documents without a base", "rules")
        await pilot.press("down", "enter")
        await until_shown(pilot, "documents without a base: 8 documents are indexed")
        await pilot.press("slash")
        await typed(pilot, "bicycle")
        await until_shown(pilot, "hit 1", "bicycles.md")


async def test_who_left_the_line_and_comes_back_to_the_room_has_its_keys(own: Path) -> None:
    async with opened(own) as pilot:
        await pilot.press("4", "slash", "escape", "f2")
        await until_shown(pilot, "cores")
        await pilot.press("4")
        await until_shown(pilot, "8 documents are indexed")
        await pilot.press("w")
        await until(pilot, lambda: "Search for something first" in said(pilot))
        assert pilot.app.screen.query_one("#query", Input).value == ""


async def test_searching_before_indexing_says_what_to_press(fresh: Path) -> None:
    async with opened(fresh) as pilot:
        await pilot.press("4")
        await until_shown(pilot, "press i to index")
        await pilot.press("slash")
        await typed(pilot, "bicycle")
        await until(pilot, lambda: "loresmith index" in said(pilot))
