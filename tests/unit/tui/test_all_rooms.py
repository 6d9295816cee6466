"""One way through all rooms, with a model that really learns: from no project to a file of preferences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from textual.pilot import Pilot

from app_driver import opened, said, typed, until, until_shown
from loresmith.files import read_json, read_jsonl
from loresmith.hooks import hookimpl
from loresmith.journal.judgements import Judgements
from loresmith.project import Project
from loresmith.specs import RecipeSpec
from loresmith_tui.widgets.recipe_form import RecipeForm
from small_project import DOCUMENTS, edit_recipe, write_project, write_rows

REPLY = "Ask at the kiosk."


@pytest.fixture
def recipe(models: Path, tmp_path: Path) -> RecipeSpec:
    """A recipe whose examples all say the same, so that a model of random weights learns to say and to cite it."""
    folder = write_project(tmp_path / "recipe", models / "base", models / "embedder")
    for name, text in DOCUMENTS.items():
        (folder / "docs" / name).write_text(f"{text.splitlines()[0]}\n\n{REPLY}\n", encoding="utf-8")
    write_rows(
        folder,
        [
            {"question": f"{name} {number}?", "answer": REPLY, "grounding": [name]}
            for name in DOCUMENTS
            for number in ("one", "two", "three")
        ],
    )
    learning = {
        "method": "sft", "adapter": "none", "learning_rate": 0.01, "epochs": 20, "patience": 100, "passages": 1,
    }  # fmt: skip
    changes: dict[str, Any] = {
        "engine.max_tokens": 30,
        "evaluation.rungs": ["prompt", "tuned", "hybrid"],
        "knowledge.retriever.k": 1,
        "knowledge.chunker.size": 400,
    }
    # Where the model is, is written in the form.
    edit_recipe(folder, {**changes, "training": [learning], "base": "smollm2-135m"})
    return RecipeSpec(name="tarn-line", summary="Boats", folder=lambda: folder)


async def choose_base(pilot: Pilot[Any], model: Path) -> None:
    """Write another base model into the form than those it offers."""
    form = pilot.app.screen.query_one(RecipeForm)

    def there() -> bool:
        form.go(("base",))
        return form.row is not None and form.row.path == ("base",)

    await until(pilot, there, "the row of the base")
    await pilot.press("enter")
    await until_shown(pilot, "another one, to be written")
    await pilot.press("end", "enter", "ctrl+u", *str(model), "enter")


class Boats:
    """A plugin that brings the recipe."""

    def __init__(self, recipe: RecipeSpec) -> None:
        self._recipe = recipe

    @hookimpl
    def register_recipes(self, register: Callable[[RecipeSpec], None]) -> None:
        """Register it."""
        register(self._recipe)


@pytest.mark.parametrize("size", [(80, 24), (140, 45)], ids=["narrow", "wide"])
async def test_from_no_project_to_a_file_of_preferences(
    recipe: RecipeSpec, models: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    desk = folder / "tarn-line"
    async with opened(folder, size, boats=Boats(recipe)) as pilot:
        await start(pilot, "tarn-line")
        await until_shown(pilot, "nothing promoted yet")

        await pilot.press("2")
        await choose_base(pilot, models / "base")
        await until_shown(pilot, "unsaved · ✓ right")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: yaml.safe_load((desk / "assistant.yaml").read_text())["base"].endswith("base"))

        await pilot.press("escape", "4")
        await until_shown(pilot, "Nothing is indexed yet: press i")
        await pilot.press("i")
        await until_shown(pilot, "8 documents are indexed")

        await pilot.press("5", "b")
        await until_shown(pilot, "▸ train sft", "step ")
        await until(pilot, lambda: pilot.app.session.latest(measured=True) is not None, "the ladder")

        await pilot.press("6")
        await until_shown(pilot, "Verdict:", "hybrid")
        pilot.app.screen.query_one("#rungs").focus()
        await pilot.press("end", "p")
        await until_shown(pilot, "Make hybrid of run")
        await pilot.press("y")
        await until(pilot, lambda: read_json(desk / ".loresmith" / "artefact.json")["rung"] == "hybrid")

        await pilot.press("7")
        await until_shown(pilot, "rung hybrid")
        await typed(pilot, "Where about dogs?")
        await until_shown(pilot, "Ask at the kiosk", "[1]", "1 citation", "supported")
        pilot.app.screen.query_one("#citations").focus()
        await pilot.press("enter")
        await until_shown(pilot, "(Escape closes)", ".md")
        await until(pilot, lambda: pilot.app.screen.query_one("TextArea").selected_text == REPLY, "the quote")
        await pilot.press("escape", "f7")
        await until_shown(pilot, "thumb down")

        await pilot.press("escape", "8")
        await until_shown(pilot, "Nothing waits to be ranked")
        await draw_by(pilot, "prompt")
        await until_shown(pilot, "the best first")
        await until(pilot, lambda: "drew replies to" in said(pilot), "all replies")
        judgements = Judgements(Project(desk))
        for number in range(2):
            await pilot.press("2", "enter")
            await until(pilot, lambda ranked=number + 1: judgements.counts().ranked == ranked, "the judgement")
            await until_shown(pilot, f"{number + 1} ranked")
        await pilot.press("e")
        await until_shown(pilot, "Add to its data.preferences")
        await pilot.press("y")
        await until(pilot, lambda: "takes it in" in said(pilot))
    rows = read_jsonl(desk / "data" / "labelled.jsonl")
    assert rows
    assert all(row["chosen"] != row["rejected"] for row in rows)
    assert "data/labelled.jsonl" in (desk / "assistant.yaml").read_text()
    [disliked] = read_jsonl(desk / "data" / "liked.jsonl")
    assert disliked["liked"] is False


async def draw_by(pilot: Pilot[Any], rung: str) -> None:
    """Draw replies by the rung whose replies differ; the trained one always says the same."""
    await pilot.press("o")
    await until_shown(pilot, "Rung that replies")
    await pilot.press("down", "down", "enter")
    await until_shown(pilot, "Which rung?")
    await pilot.press("home", "enter")
    await until_shown(pilot, f"by the rung {rung}")
    await pilot.press("d")


async def start(pilot: Pilot[Any], name: str) -> None:
    """Start a project from a recipe of the first room's list."""
    recipes = pilot.app.screen.query_one("#recipes")
    await until(pilot, lambda: name in recipes.keys, "the recipe")
    recipes.focus()
    await pilot.press("home", *["down"] * recipes.keys.index(name), "n")
