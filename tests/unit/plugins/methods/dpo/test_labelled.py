"""What a person ranked is what dpo and kto learn from: the very prompt that was read, and the order that was given."""

from __future__ import annotations

from pathlib import Path

from fake_parts import DOGS, FARES, chunk
from loresmith.assistant.prompt import INTRODUCTION, assemble, question_in
from loresmith.data.also_asked import also_asked
from loresmith.journal.judgements import DrawnReply, Judgements
from loresmith.labelling.export import export
from loresmith.project import Project
from loresmith.values import Example, Preference
from loresmith_plugins.engines.transformers.load import load_format
from loresmith_plugins.sources.jsonl import JsonlOptions, JsonlSource
from loresmith_plugins.training.preference_rows import PreferenceRows
from tiny_preferences import on_preferences
from tiny_stage import INSTRUCTIONS

PASSAGES = [chunk(FARES), chunk(DOGS, "dogs.md", title="Dogs")]


def ranked(folder: Path, *questions: str) -> list[Preference]:
    """Rank replies that were read with passages, and read the file that comes of it."""
    project, judgements = Project(folder), Judgements(Project(folder))
    for question in questions:
        prompt = assemble(INSTRUCTIONS, [{"role": "user", "content": question}], PASSAGES)
        judgements.add(question, prompt[1:], [DrawnReply("No idea."), DrawnReply("9.40 [1]."), DrawnReply("Ask.")])
        task = judgements.next()
        assert task
        judgements.judge(task, (3, 1, 2))
    path = export(project).pairs.path
    return [
        each
        for each in JsonlSource(JsonlOptions(path=path), folder).read("preferences")
        if isinstance(each, Preference)
    ]


def test_a_stage_learns_what_was_ranked_from_the_tokens_that_were_read(chat_model: Path, tmp_path: Path) -> None:
    found = ranked(tmp_path, "What is the fare?", "And a dog?")
    assert len(found) == 6
    stage = on_preferences("dpo", chat_model, tmp_path / "stage", preferences=found, held_out=found)
    result = stage.run()
    assert result.steps >= 2
    assert result.details["held_out"]["gained"]["margin"]["mean"] > 0
    chat = load_format(chat_model)
    served = chat.prompt_ids(assemble(INSTRUCTIONS, [{"role": "user", "content": "What is the fare?"}], PASSAGES))
    assert PreferenceRows(INSTRUCTIONS, chat, 512).pairs(found)[0].prompt == tuple(served)


def test_passages_in_a_prompt_do_not_hide_that_it_asks_what_measures(tmp_path: Path) -> None:
    [first, *_] = ranked(tmp_path, "How much is a single fare for one adult on the ferry?")
    measured = Example.of(
        [
            {"role": "user", "content": "How much is a single fare for one adult on the ferry"},
            {"role": "assistant", "content": "9.40 marks."},
        ]
    )
    assert also_asked([first.prompt], [measured]) == [True]
    assert question_in(first.prompt[-1]["content"]).startswith("How much")
    assert question_in(INTRODUCTION) == INTRODUCTION, "somebody may say just that"
