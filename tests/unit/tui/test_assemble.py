"""The recipe is put together in a form and in YAML, both of one text, and written so that nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from loresmith_brevity import register_metrics
from textual.pilot import Pilot

from app_driver import opened, said, text_of, until, until_shown
from loresmith.recipe.positions import KeyPath
from loresmith_tui.widgets.recipe_form import RecipeForm
from loresmith_tui.widgets.yaml_text import YamlText


class Brevity:
    register_metrics = staticmethod(register_metrics)


def form(pilot: Pilot[Any]) -> RecipeForm:
    return pilot.app.screen.query_one(RecipeForm)


def text(pilot: Pilot[Any]) -> YamlText:
    return pilot.app.screen.query_one(YamlText)


async def at(pilot: Pilot[Any], *path: str | int) -> None:
    """Bring the cursor of the form to a row, as soon as there is one."""

    def there() -> bool:
        form(pilot).go(path)
        return form(pilot).row is not None and form(pilot).row.path == path

    await until(pilot, there, f"the row {path}")


async def written(pilot: Pilot[Any], path: KeyPath, *keys: str) -> None:
    """Change a field: Enter, what stands there away, what is typed, without Enter."""
    await at(pilot, *path)
    await pilot.press("enter", "ctrl+u", *keys)


async def test_a_new_project_is_changed_in_the_form_checked_undone_and_saved(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await until_shown(pilot, "harbour-desk")
        await pilot.press("n")
        await until_shown(pilot, "smollm2-135m")
        file = tmp_path / "harbour-desk" / "assistant.yaml"
        before = file.read_text()
        after = before.replace("rank: 8", "rank: 16")
        await pilot.press("2")
        await until_shown(pilot, "assistant.yaml · saved · ✓ right", "harbour-desk")

        await written(pilot, ("training", 0, "rank"), *"16x")
        await until_shown(pilot, "unsaved · ✗ 1 problem", 'rank: must be a whole number, not "16x"')
        assert "rank: 16x\n" in text(pilot).text
        await pilot.press("backspace")
        await until_shown(pilot, "unsaved · ✓ right")
        await pilot.press("enter")
        assert text(pilot).text == after
        await pilot.press("ctrl+z")
        await until(pilot, lambda: text(pilot).text == before, "the text before")
        await pilot.press("ctrl+y", "f9")
        await until_shown(pilot, "-    rank: 8", "+    rank: 16")
        await pilot.press("escape", "ctrl+s")
        await until(pilot, lambda: file.read_text() == after, "the file")
        await until_shown(pilot, "saved · ✓ right")
        assert "rank: 16" not in text_of(pilot), "a narrow terminal shows one side"
        await pilot.resize_terminal(150, 40)
        await until_shown(pilot, "checkpoint_seconds", "rank: 16")


async def test_components_swap_their_fields_and_stages_come_go_and_move(fresh: Path) -> None:
    async with opened(fresh, (150, 44)) as pilot:
        pilot.app.session.host.add(Brevity(), "brevity")
        await pilot.press("2")
        await at(pilot, "knowledge", "chunker")
        await pilot.press("enter")
        await until_shown(pilot, "Packs whole sentences")
        await pilot.press("down", "enter")
        await until(pilot, lambda: yaml.safe_load(text(pilot).text)["knowledge"]["chunker"]["kind"] == "sentence")
        await at(pilot, "knowledge", "chunker", "overlap")
        await until_shown(pilot, "Sentences a chunk repeats")

        await at(pilot, "training")
        await pilot.press("a")
        await until_shown(pilot, "Add to training")
        await pilot.press("down", "down", "enter")
        await at(pilot, "training", 1, "beta")
        await pilot.press("K")
        methods = lambda: [stage["method"] for stage in yaml.safe_load(text(pilot).text)["training"]]  # noqa: E731
        await until(pilot, lambda: methods() == ["dpo", "sft"], "the other order")
        await at(pilot, "training", 0)
        await pilot.press("delete")
        await until(pilot, lambda: methods() == ["sft"], "one stage")

        await at(pilot, "evaluation", "metrics")
        await pilot.press("a")
        await until_shown(pilot, "Short answers score higher")
        await pilot.press("enter")
        await written(pilot, ("evaluation", "metrics", 4, "words"), *"30")
        await until_shown(pilot, "Longest answer that gets full marks")
        await pilot.press("enter")
        metric = {"kind": "brevity", "words": 30}
        await until(pilot, lambda: yaml.safe_load(text(pilot).text)["evaluation"]["metrics"][-1] == metric)
        await until_shown(pilot, "✓ right", "sft rank 2", "parameters train")


async def test_typing_in_the_yaml_moves_the_form_and_marks_the_line(fresh: Path) -> None:
    async with opened(fresh, (150, 44)) as pilot:
        await pilot.press("2")
        await until_shown(pilot, "✓ right")
        await pilot.press("f3")
        line = text(pilot).text.splitlines().index("    kind: hybrid")
        text(pilot).move_cursor((line, len("    kind: hybrid")))
        await pilot.press("x")
        await until_shown(pilot, 'no retriever named "hybridx"', 'Did you mean "hybrid"?')
        [shown] = [each for each in text_of(pilot).splitlines() if "kind: hybridx" in each]
        assert "✗" in shown.split("kind:")[0]
        assert form(pilot).row is not None
        assert form(pilot).row.path == ("knowledge", "retriever")
        await pilot.press("backspace", "enter", *"  bad: [")
        await until_shown(pilot, "this is not YAML")
        assert "chunker" in text_of(pilot), "the form waits"
        await pilot.press("escape")
        await at(pilot, "few_shot")
        await pilot.press("enter", "9")
        await until(pilot, lambda: "not YAML at the moment" in said(pilot))
        await pilot.press("escape", "ctrl+z")
        await pilot.resize_terminal(40, 10)
        await pilot.resize_terminal(80, 24)
        await until_shown(pilot, "tarn-line")


async def test_unsaved_edits_outlive_the_app_and_are_not_written_over_what_others_wrote(fresh: Path) -> None:
    file = fresh / "assistant.yaml"
    before = file.read_text()
    async with opened(fresh) as pilot:
        await pilot.press("2")
        await written(pilot, ("few_shot",), "4", "enter")
        await until(pilot, (fresh / ".loresmith" / "draft.json").is_file, "the draft")
        await pilot.press("escape")
        await until(pilot, lambda: "kept, not saved" in said(pilot))
    file.write_text(before.replace("name: tarn-line", "name: other-line"))
    async with opened(fresh) as pilot:
        await pilot.press("2")
        await until_shown(pilot, "unsaved", "changed on disk meanwhile")
        await pilot.press("ctrl+s")
        await until_shown(pilot, "What now?")
        assert "other-line" in file.read_text()
        await pilot.press("down", "down", "enter")
        await until_shown(pilot, "other-line", "saved · ✓")
        assert not (fresh / ".loresmith" / "draft.json").exists()
        await pilot.press("ctrl+z")
        await until_shown(pilot, "tarn-line", "unsaved")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: file.read_text() == before.replace("few_shot: 2", "few_shot: 4"), "the file")


def test_a_draft_that_is_damaged_counts_as_none(fresh: Path) -> None:
    from loresmith_tui.assembling import Draft
    from loresmith_tui.session import Session

    (fresh / ".loresmith").mkdir()
    (fresh / ".loresmith" / "draft.json").write_text(json.dumps([1]))
    assert Draft(Session(fresh)).read() == (fresh / "assistant.yaml").read_text()


def test_line_ends_of_another_system_stay(fresh: Path) -> None:
    from loresmith_tui.assembling import Draft
    from loresmith_tui.session import Session

    file = fresh / "assistant.yaml"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    draft = Draft(Session(fresh))
    draft.latest = draft.read() + "seed: 3\n"
    draft.save(draft.latest)
    assert file.read_bytes().endswith(b"\r\nseed: 3\r\n")
    assert not draft.changed_on_disk


def test_the_estimate_is_that_of_the_command_and_says_when_a_base_is_unknown(fresh: Path) -> None:
    from loresmith_tui.assembling import Draft
    from loresmith_tui.session import Session

    draft = Draft(Session(fresh))
    recipe = draft.look(draft.read()).checked.recipe
    assert recipe is not None
    [line] = draft.estimate(recipe)
    assert "sft rank 2" in line
    assert "here: fits" in line
    [line] = draft.estimate(recipe.model_copy(update={"base": "no/such-model"}))
    assert line.startswith('no estimate: the shapes of "no/such-model" cannot be had')
