"""Every room opens, shows what is there, and says what to press where nothing is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.widgets import DataTable

from app_driver import opened, said, text_of, until, until_shown
from loresmith.errors import LoresmithError
from loresmith.hooks import hookimpl
from loresmith_tui.rooms import ROOMS
from loresmith_tui.screens.ranks import RanksScreen
from loresmith_tui.screens.room import Room
from loresmith_tui.widgets.keyed import keyed
from loresmith_tui.widgets.table import Table

BARS = set("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉")
"""Of the library's scroll bars, which only a whole program draws otherwise."""
ROOT = Path(__file__).parents[3]
SHOWN = {
    "home": ("tarn-line", "Recent runs", "harbour-desk"),
    "assemble": ("assistant.yaml", "tarn-line", "parameters train"),
    "data": ("30 examples", "frozen", "unanswerable"),
    "knowledge": ("8 documents are indexed",),
    "build": ("done", "train sft", "ask hybrid", "mask:"),
    "ladder": ("few-shot", "Verdict:", "questions"),
    "chat": ("Ask the assistant something",),
    "preferences": ("Nothing waits to be ranked",),
    "runs": ("promoted", "seed"),
    "plugins": ("loaded", "provides", "bm25"),
    "doctor": ("cores", "all there", "adapters"),
    "more": ("No plugin brings a room",),
}
EMPTY = {
    "home": "Press n to start one",
    "assemble": "No project here",
    "data": "No project here",
    "knowledge": "No project here",
    "build": "No project here",
    "ladder": "Press 5 and then b",
    "chat": "No project here",
    "preferences": "No project here",
    "runs": "No project here",
}


@pytest.mark.parametrize("size", [(80, 24), (160, 48)], ids=["narrow", "wide"])
async def test_every_room_shows_what_is_there(project: Path, size: tuple[int, int]) -> None:
    async with opened(project, size) as pilot:
        for name, place in ROOMS.items():
            await pilot.press(*(["escape"] if name != "home" else []), place.key)
            assert pilot.app.current_mode == name
            for shown in SHOWN[name]:
                await until_shown(pilot, shown)
            await pilot.press("escape")


async def test_every_room_says_what_to_press_where_there_is_no_project(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        for name, shown in EMPTY.items():
            pilot.app.switch_mode(name)
            await until(pilot, lambda shown=shown: shown in " ".join(text_of(pilot).split()), shown)


async def test_a_terminal_may_become_tiny_and_large_again(project: Path) -> None:
    async with opened(project, (120, 40)) as pilot:
        for name in ROOMS:
            pilot.app.switch_mode(name)
            await pilot.pause()
            await pilot.resize_terminal(40, 10)
            await pilot.resize_terminal(120, 40)
            await until_shown(pilot, SHOWN[name][0])


async def test_one_key_starts_a_project_with_its_sample_data(tmp_path: Path) -> None:
    async with opened(tmp_path) as pilot:
        await until_shown(pilot, "harbour-desk")
        await pilot.press("n")
        await until_shown(pilot, "smollm2-135m", "No runs yet")
        assert (tmp_path / "harbour-desk" / "data" / "examples.jsonl").is_file()
        await pilot.press("n")
        await until(pilot, (tmp_path / "harbour-desk-2" / "assistant.yaml").is_file, "a second one")
        await until_shown(pilot, "Projects opened lately")
        projects = pilot.app.screen.query_one("#projects", DataTable)
        await until(pilot, lambda: projects.row_count, "the one opened before")  # its folder may be cut at the border
        projects.focus()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.session.here.root == tmp_path / "harbour-desk", "the first one again")


async def test_a_folder_that_holds_something_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    async with opened(tmp_path) as pilot:
        await until_shown(pilot, "harbour-desk")
        await pilot.press("N")
        await pilot.pause()
        pilot.app.screen.query_one("Input").value = str(tmp_path)
        await pilot.press("enter")
        await until(pilot, lambda: "not an empty folder" in said(pilot))
        assert not (tmp_path / "assistant.yaml").exists()


async def test_a_recipe_with_mistakes_is_told_with_all_of_them(own: Path) -> None:
    text = (own / "assistant.yaml").read_text()
    (own / "assistant.yaml").write_text(
        text.replace("few_shot: 2", "few_shots: 2").replace("kind: hybrid", "kind: hybird")
    )
    async with opened(own, (120, 30)) as pilot:
        await until_shown(pilot, "few_shots", "hybird")


async def test_runs_are_compared_and_shown(own: Path) -> None:
    runs = own / ".loresmith" / "runs"
    [first] = runs.iterdir()
    twin = runs / f"{first.name}-2"
    first.rename(twin)
    import shutil

    shutil.copytree(twin, first)
    manifest = (twin / "manifest.json").read_text().replace(f'"id": "{first.name}"', f'"id": "{twin.name}"')
    (twin / "manifest.json").write_text(manifest.replace('"seed": 42', '"seed": 43'))
    (twin / "recipe.yaml").write_text((twin / "recipe.yaml").read_text().replace("few_shot: 2", "few_shot: 3"))
    async with opened(own, (120, 40)) as pilot:
        await pilot.press("9")
        await until_shown(pilot, first.name, twin.name)
        await pilot.press("c")
        await until(pilot, lambda: "Mark a run" in said(pilot))
        await pilot.press("space")
        await until(pilot, lambda: f"▸ {pilot.app.screen._marked} " in " ".join(text_of(pilot).split()))
        await pilot.press("down", "c")
        await until_shown(pilot, "few_shot", "hashes: the same")


async def test_a_run_is_promoted_after_a_question(own: Path) -> None:
    async with opened(own) as pilot:
        await pilot.press("9")
        await until_shown(pilot, "promoted")
        await pilot.press("p")
        await until_shown(pilot, "the project's assistant?")
        await pilot.press("n")
        await pilot.press("p")
        await until_shown(pilot, "the project's assistant?")
        await pilot.press("y")
        await until(pilot, lambda: "as version 2" in said(pilot))


class Broken:
    @hookimpl
    def register_metrics(self, register: object) -> None:
        raise LoresmithError("[red]needs[/red] \x1b[31mlibfoo")


async def test_a_plugin_that_failed_is_shown_with_its_error_and_no_code_in_it_is_obeyed(
    project: Path,
) -> None:
    async with opened(project, (120, 30)) as pilot:
        pilot.app.session.host.add(Broken(), "broken")
        await pilot.press("0")
        await until_shown(pilot, "1 failed", "[red]needs[/red] \\x1b[31mlibfoo")


async def test_a_plugin_is_switched_off_for_the_sitting_and_on_again(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("0")
        await until_shown(pilot, "bm25")
        await pilot.press("d")
        await until_shown(pilot, "1 disabled")
        await pilot.press("d")
        await until(pilot, lambda: "disabled" not in text_of(pilot).splitlines()[1])


async def test_the_keys_of_a_screen_are_listed_and_do_what_they_say(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("6")
        await until_shown(pilot, "Verdict:")
        await pilot.press("question_mark")
        await until_shown(pilot, "Stratum", "Promote")
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, Room)
        assert "questions: all" in text_of(pilot)
        await pilot.press("question_mark")
        table = pilot.app.screen.query_one(Table)
        row = [str(table.get_row_at(place)[1]) for place in range(table.row_count)].index("Stratum")
        await pilot.press(*["down"] * row)
        await until_shown(pilot, "those the documents answer, or those")
        await pilot.press("enter")
        await until_shown(pilot, "questions: answerable")
        assert isinstance(pilot.app.screen, Room)


async def test_the_palette_finds_the_actions_of_the_screen(project: Path) -> None:
    async with opened(project) as pilot:
        await pilot.press("6")
        await until_shown(pilot, "worst first")
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"stratum")
        await until_shown(pilot, "All questions, those the documents")
        await pilot.press("enter")
        await until_shown(pilot, "questions: answerable")


async def test_every_action_has_its_line_on_the_reference_page_and_no_line_is_without_an_action(project: Path) -> None:
    text = (ROOT / "docs" / "reference" / "terminal-app.md").read_text(encoding="utf-8")
    documented = {
        title: set(re.findall(r"(?m)^\| .+? \| (.+?) \| .+ \|$", part)) - {"action", "---"}
        for title, part in zip(*[iter(re.split(r"(?m)^## (.+)$", text)[1:])] * 2, strict=True)
    }
    async with opened(project) as pilot:
        for name, place in ROOMS.items():
            pilot.app.switch_mode(name)
            await pilot.pause()
            pilot.app.screen.set_focus(None)
            await pilot.pause()
            screen = pilot.app.screen
            own = {each.title for each in keyed(screen) if each.node is screen} - {"Back", "Refresh"}
            assert own == documented.get(place.title, set())
            of_app = {each.title for each in keyed(screen) if each.node is pilot.app}
            assert of_app | {"Back", "Refresh"} == documented["Everywhere"]
        of_palette = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        assert of_palette | {"Room NAME", "Maximize", "Minimize"} == documented["In the palette alone"]
    for screen_class, title in {RanksScreen: "Ranks"}.items():
        own = {binding.description for binding in screen_class.BINDINGS if binding.tooltip}
        assert own == documented[title]


async def test_without_unicode_and_without_colour_everything_is_still_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORESMITH_ASCII", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(project) as pilot:
        for key in "156":
            await pilot.press(key)
            await pilot.pause(0.3)
            await until_shown(pilot, SHOWN[pilot.app.current_mode][1])
            body = "\n".join(text_of(pilot).splitlines()[1:-1])
            assert not {c for c in body if not c.isascii()} - BARS
