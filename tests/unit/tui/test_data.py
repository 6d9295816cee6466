from __future__ import annotations

import json
from pathlib import Path

from app_driver import opened, said, text_of, typed, until, until_shown
from loresmith_tui.inspecting import excerpt
from loresmith_tui.widgets.long_table import LongTable
from small_project import edit_recipe, example_rows, write_rows


async def test_sources_split_and_examples_stand_there_and_the_split_is_frozen_from_here(fresh: Path) -> None:
    async with opened(fresh, (120, 40)) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "files", "docs", "30 examples", "as it would be", "unanswerable", "test?")
        await pilot.press("v")
        await until(pilot, lambda: "not frozen yet" in said(pilot))
        await pilot.press("s")
        await until_shown(pilot, "frozen, ")
        assert "as it would be" not in text_of(pilot)
        kept = json.loads((fresh / ".loresmith" / "split.json").read_text())["examples"]
        await pilot.press("f", "f", "f")
        await until_shown(pilot, "examples: test")
        held_out = sum(entry["side"] == "test" for entry in kept.values())
        assert f"{held_out} of 30 examples: test" in text_of(pilot)
        await pilot.press("f", "slash")
        await until_shown(pilot, "Words of the examples")
        await typed(pilot, "spaniel open")
        await until_shown(pilot, "1 of 30 examples", "(rests on dogs.md)", "Yes: dogs travel free")
        await pilot.press("enter")
        await until_shown(pilot, "data/examples.jsonl, line 4 of")
        row = pilot.app.screen.query_one("TextArea")
        await until(pilot, lambda: "spaniel" in row.selected_text, "the marked row")
        await pilot.press("escape", "S")
        await until_shown(pilot, "Freeze a new split?")
        await pilot.press("y")
        await until(pilot, lambda: "frozen: " in said(pilot))


async def test_a_problem_leads_to_its_row_in_its_file(fresh: Path) -> None:
    rows = example_rows()
    rows[6]["answer"] = ""
    rows[9]["grounding"] = ["timetabel.md"]
    write_rows(fresh, rows)
    async with opened(fresh) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "1 problems", "is empty")
        await pilot.press("p", "enter")
        await until_shown(pilot, "line 7 of", "(Escape closes)")
        area = pilot.app.screen.query_one("TextArea")
        await until(pilot, lambda: "bike price?" in area.selected_text)
        await pilot.press("escape")
        rows[6]["answer"] = "Two crowns."
        write_rows(fresh, rows)
        await pilot.press("f5")
        await until_shown(pilot, "timetabel.md")
        await pilot.press("p")
        await until_shown(pilot, "10: grounding", 'you mean "timetable.md"')
        rows[9]["grounding"] = ["timetable.md"]
        write_rows(fresh, rows)
        await pilot.press("f5")
        await until(pilot, lambda: "problems" not in text_of(pilot).splitlines()[1])
        edit_recipe(fresh, {"few_shots": 2})
        await pilot.press("f5")
        await until_shown(pilot, "the recipe is wrong", "assistant.yaml", "few_shots")


async def test_examples_are_shown_as_a_stage_reads_them(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "30 examples")
        await pilot.press("v")
        await until_shown(pilot, "examples 0 to 5 of", "{", "<|im_end|>")
        await pilot.press("n")
        await until_shown(pilot, "examples 6 to 11 of")
        await pilot.press("b")
        await until_shown(pilot, "examples 0 to 5 of")
        await pilot.press("escape")
        await until_shown(pilot, "frozen, ")


async def test_five_thousand_examples_open_and_are_leafed_through_without_delay(fresh: Path) -> None:
    import time

    rows = [{"question": f"What does number {n} of the {n * 7919 % 104729} cost?", "answer": "4."} for n in range(5000)]
    write_rows(fresh, [*example_rows(), *rows])
    async with opened(fresh) as pilot:
        await pilot.press("3")
        await until_shown(pilot, "5030 examples")
        table = pilot.app.screen.query_one(LongTable)
        await pilot.press("end")
        assert table.cursor == 5029
        await until_shown(pilot, "What does number 4999")
        slowest = 0.0
        for key in ("up", "pageup", "home", "down", "pagedown") * 4:
            started = time.perf_counter()
            await pilot.press(key)
            slowest = max(slowest, time.perf_counter() - started)
        assert slowest < 1.0, "a key took that long"
        await pilot.resize_terminal(40, 10)
        await pilot.resize_terminal(160, 40)
        await until_shown(pilot, "5030 examples")
        await pilot.click(LongTable, offset=(5, 3))
        assert table.cursor != 5029


def test_an_excerpt_holds_the_line_and_what_stands_around_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"row {n}\n" for n in range(1, 101)))
    found = excerpt(path, "rows.jsonl", 50)
    assert found.text[found.start : found.end] == "row 50"
    assert found.text.startswith("row 30\n")
    assert found.text.endswith("row 70")
    first, last = excerpt(path, "rows.jsonl", 1), excerpt(path, "rows.jsonl", 100)
    assert (first.text[first.start : first.end], last.text[last.start : last.end]) == ("row 1", "row 100")
    whole = excerpt(path, "rows.jsonl", 0)
    assert (whole.start, whole.end) == (0, 0)
    beyond = excerpt(path, "rows.jsonl", 900)
    assert (beyond.start, beyond.end) == (0, 0)
