from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loresmith.data.also_asked import asked
from loresmith.data.kept import Kept
from loresmith.data.reading import read_examples
from loresmith.errors import DataError, UsageError
from loresmith.host import PluginHost
from loresmith.labelling.questions import Questions, questions
from loresmith.project import Project
from loresmith.recipe.load import load_recipe
from loresmith.values import Example


def found(project: Project, host: PluginHost, file: Path | None = None) -> Questions:
    return questions(project, load_recipe(project.recipe, host.registry), host.registry, file)


def sides(project: Project, host: PluginHost) -> dict[str, list[Example]]:
    examples = read_examples(host.registry, load_recipe(project.recipe, host.registry).data.examples, project.root)
    kept = Kept.read(project.split).entries
    return {side: [e for e in examples if kept[e.id].side == side] for side in ("train", "dev", "test")}


def test_questions_are_those_of_the_training_side_each_once(project: Project, host: PluginHost) -> None:
    prompts = found(project, host).prompts
    assert {asked(prompt) for prompt in prompts} == {asked(e.prompt) for e in sides(project, host)["train"]}
    assert prompts == found(project, host).prompts
    assert [p[-1]["content"] for p in prompts] != [e.question for e in sides(project, host)["train"]], (
        "in no file's order"
    )


def test_what_measures_is_never_asked_even_by_a_file(project: Project, host: PluginHost) -> None:
    test = sides(project, host)["test"]
    rows: list[dict[str, Any]] = [{"prompt": e.question.upper() + "!"} for e in test[:3]]
    turns = [("user", "Hello"), ("assistant", "Hi."), ("user", "Dogs?")]
    rows.append({"prompt": [{"role": role, "content": content} for role, content in turns]})
    (project.root / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked_for = found(project, host, Path("more.jsonl"))
    assert asked_for.left_out == 3
    assert [prompt[-1]["content"] for prompt in asked_for.prompts] == ["Dogs?"]


def test_without_a_frozen_split_it_says_what_to_do(unfrozen: Project, host: PluginHost) -> None:
    with pytest.raises(UsageError) as raised:
        found(unfrozen, host)
    assert "loresmith data split" in raised.value.hint


def test_every_wrong_line_of_a_file_is_named(project: Project, host: PluginHost) -> None:
    lines = [
        '{"prompt": "fine"}',
        "bare words",
        '{"prompt": ""}',
        '{"prompt": [{"role": "assistant", "content": "x"}]}',
        "[1]",
    ]
    (project.root / "more.jsonl").write_text("\n".join(lines))
    with pytest.raises(DataError) as raised:
        found(project, host, Path("more.jsonl"))
    assert [problem.line for problem in raised.value.problems] == [2, 3, 4, 5]
    with pytest.raises(DataError, match="prompts cannot be read"):
        found(project, host, Path("none.jsonl"))
