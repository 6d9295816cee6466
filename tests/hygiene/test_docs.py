"""The reference pages say what the code does: nothing more, nothing less."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
from pydantic import BaseModel

from component_page import page
from loresmith import hooks
from loresmith.cli.main import COMMANDS, cli
from loresmith.host import HOOKS, PluginHost
from loresmith.recipe.models import Component, Data, Evaluation, Knowledge, Queries, Recipe, Split, Stage

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SAMPLE = ROOT / "tests" / "sample_plugin"
SHARED = {"--project", "--json", "--debug", "--no-plugin"}


def sections(page: Path, level: str) -> dict[str, str]:
    """Heading to text of a page's sections, the level given as a pattern of `#`."""
    parts = re.split(rf"(?m)^{level} (.+)$", page.read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def code(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


HOOK_SECTIONS = sections(REFERENCE / "hooks.md", "##")


def test_every_hook_has_a_heading_with_its_arguments_and_no_heading_is_without_a_hook() -> None:
    wanted = {f"{name}({', '.join(inspect.signature(getattr(hooks, name)).parameters)})" for name in HOOKS}
    assert set(HOOK_SECTIONS) == wanted


@pytest.mark.parametrize("heading", HOOK_SECTIONS)
def test_the_signature_of_a_hook_is_the_documented_one(heading: str) -> None:
    name = heading.split("(", maxsplit=1)[0]
    signature = str(inspect.signature(getattr(hooks, name))).replace("'", "")
    assert code(HOOK_SECTIONS[heading], "text") == [f"def {name}{signature}\n"]


@pytest.mark.parametrize("heading", HOOK_SECTIONS)
def test_the_example_of_a_hook_loads_as_a_plugin(heading: str) -> None:
    plugin = ModuleType("example")
    exec(compile(code(HOOK_SECTIONS[heading], "python")[0], "hooks.md", "exec"), plugin.__dict__)
    host = PluginHost(points=[])
    status = host.add(plugin, "example")
    assert (status.state, status.error) == ("loaded", "")
    name = heading.split("(", maxsplit=1)[0]
    provided = f"register_{next(iter(status.provides), '')}"
    assert name in (provided, *(caller.name for caller in host._manager.get_hookcallers(plugin) or []))


def recipe_keys() -> Iterator[tuple[str, str, str]]:
    """Key, default and meaning of every key of a recipe."""
    models: dict[str, type[BaseModel]] = {
        "": Recipe, "knowledge.": Knowledge, "knowledge.queries.": Queries,
        "data.": Data, "data.split.": Split, "evaluation.": Evaluation,
    }  # fmt: skip
    for prefix, model in models.items():
        yield from _keys_of(prefix, model)
    for part in (Component, Stage):
        yield from _keys_of("", part)


def _keys_of(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else _written(field.get_default(call_default_factory=True))
        yield prefix + name, default, field.description or ""


def _written(value: object) -> str:
    if isinstance(value, Component):
        return f"`{{kind: {value.kind}}}`"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "`[" + ", ".join(map(str, value)) + "]`" if isinstance(value, list) else f"`{value}`"


def test_the_recipe_page_holds_every_key_with_default_and_meaning_and_no_other() -> None:
    text = (REFERENCE / "recipe.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| `([\w.]+)` \| (.+?) \| (.+) \|$", text)
    assert sorted(rows) == sorted(recipe_keys())


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                assert found is not None
                yield f"{name} {inner}", found


COMMAND_SECTIONS = sections(REFERENCE / "commands.md", "##+")


def _heading(name: str, command: click.Command) -> str:
    context = click.Context(cli)
    arguments = [p.make_metavar(context) for p in command.params if isinstance(p, click.Argument)]
    return " ".join(["loresmith", name, *arguments])


def test_every_command_has_a_heading_and_no_heading_is_without_a_command() -> None:
    assert set(COMMAND_SECTIONS) == {_heading(name, command) for name, command in commands()}


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_options_of_a_command_are_the_documented_ones(name: str, command: click.Command) -> None:
    documented = re.findall(r"(?m)^\| `(?:-\w, )?(--[\w-]+)", COMMAND_SECTIONS[_heading(name, command)])
    real = {p.opts[-1] for p in command.params if isinstance(p, click.Option)} - SHARED - {"--help"}
    assert sorted(documented) == sorted(real)
    if not isinstance(command, click.Group):
        assert {o for p in command.params for o in p.opts} >= SHARED, "every command takes the shared options"


def test_the_plugin_tutorial_shows_the_sample_plugin_as_it_is() -> None:
    text = (ROOT / "docs" / "tutorial" / "first-plugin.md").read_text(encoding="utf-8")
    listings = code(text, "python") + code(text, "toml")
    files = ("loresmith_brevity/__init__.py", "loresmith_brevity/screen.py", "tests/test_brevity.py", "pyproject.toml")
    for file in files:
        assert (SAMPLE / file).read_text(encoding="utf-8") in listings, file


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_the_page_of_components_is_what_their_specs_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LORESMITH_DISABLE_PLUGINS", raising=False)
    assert (REFERENCE / "components.md").read_text(encoding="utf-8") == page(), (
        "make it anew: python tests/component_page.py > docs/reference/components.md"
    )
