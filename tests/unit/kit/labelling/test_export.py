from __future__ import annotations

import json
from pathlib import Path

import pytest

from loresmith.data.reading import read_preferences
from loresmith.errors import UsageError
from loresmith.files import read_jsonl
from loresmith.host import PluginHost
from loresmith.journal.conversations import Conversation
from loresmith.journal.judgements import DrawnReply, Judgements
from loresmith.labelling.export import export, take_in, taken_in
from loresmith.project import Project
from loresmith.recipe.load import load_recipe
from loresmith.values import Answer, Trace


@pytest.fixture
def judged(project: Project) -> Project:
    """A project with three pairs and a thumb."""
    judgements = Judgements(project)
    judgements.add(
        "k", [{"role": "user", "content": "Dogs?"}], [DrawnReply(text) for text in ("No.", "Yes\u2028!", "Maybe.")]
    )
    task = judgements.next()
    assert task
    judgements.judge(task, (3, 1, 2))
    talk = Conversation(project)
    talk.add("Cats?", Answer("Yes.", [], False, "prompt", Trace()))
    talk.judge(0, liked=True)
    return project


def test_what_is_written_is_read_as_the_preferences_of_the_project(judged: Project, host: PluginHost) -> None:
    text = judged.recipe.read_text()
    judged.recipe.write_text("# mine\n" + text)
    written = export(judged)
    assert [(each.path, each.rows) for each in written.files] == [("data/labelled.jsonl", 3), ("data/liked.jsonl", 1)]
    recipe = load_recipe(judged.recipe, host.registry)
    for each in written.files:
        assert not taken_in(judged, recipe, each)
        take_in(judged, each)
    recipe = load_recipe(judged.recipe, host.registry)
    assert all(taken_in(judged, recipe, each) for each in written.files)
    assert judged.recipe.read_text().startswith("# mine\n")
    read = read_preferences(host.registry, recipe.data.preferences, judged.root)
    assert [(p.chosen, p.rejected) for p in read[:3]] == [
        ("Yes\u2028!", "Maybe."),
        ("Yes\u2028!", "No."),
        ("Maybe.", "No."),
    ]
    assert (read[3].reply, read[3].liked) == ("Yes.", True)


def test_it_is_written_anew_and_never_twice(judged: Project) -> None:
    export(judged)
    Judgements(judged).undo()
    export(judged)
    assert (judged.root / "data/labelled.jsonl").read_text() == "", "stale rows would be learnt"
    assert len(read_jsonl(judged.root / "data/liked.jsonl")) == 1


def test_rows_of_a_person_are_not_written_over(judged: Project) -> None:
    mine = judged.root / "data" / "preferences.jsonl"
    mine.write_text(json.dumps({"prompt": "a", "chosen": "b", "rejected": "c"}) + "\n")
    with pytest.raises(UsageError, match="did not write"):
        export(judged, Path("data/preferences.jsonl"))
    assert "chosen" in mine.read_text()
    assert not (judged.root / "data" / "liked.jsonl").exists()
    with pytest.raises(UsageError, match="name of the file"):
        export(judged, Path("data/liked.jsonl"))


def test_with_nothing_judged_it_says_what_to_do(project: Project) -> None:
    with pytest.raises(UsageError) as raised:
        export(project)
    assert "loresmith label" in raised.value.hint
