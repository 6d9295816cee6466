"""A constitution is checked whole: every problem at once, each with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from loresmith.errors import DataError
from loresmith.recipe.shipped import recipes_dir
from loresmith_plugins.methods.constitutional import ConstitutionalOptions
from loresmith_plugins.methods.constitutional.constitution import Principle, read_constitution
from loresmith_plugins.methods.constitutional.conversations import bare, critique_of, revision_of
from loresmith_plugins.training.asking import letter_in

WRONG = """\
instructions: Be strict.
principals: []
principles:
  - name: brief
    critique: Is it brief?
    revison: Make it brief.
  - name: brief
    critique: ""
    revision: Make it kind.
    demonstrations:
      - {prompt: Hi, reply: Hello there, critique: Too long}
"""


def test_every_problem_is_reported_with_line_key_and_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "law.yaml").write_text(WRONG, encoding="utf-8")
    with pytest.raises(DataError, match="the constitution is wrong: 6 problems") as wrong:
        read_constitution(tmp_path, "law.yaml")
    found = {(p.line, p.key): f"{p.what}. {p.hint}" for p in wrong.value.problems}
    assert all(problem.file == "law.yaml" for problem in wrong.value.problems)
    assert 'Did you mean "principles"?' in found[2, "principals"]
    assert "is missing" in found[4, "principles[0].revision"]
    assert 'Did you mean "revision"?' in found[6, "principles[0].revison"]
    assert "another principle" in found[7, "principles[1].name"]
    assert "must not be empty" in found[8, "principles[1].critique"]
    assert "is missing" in found[11, "principles[1].demonstrations[0].revision"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("- a", "a constitution is a mapping"),
        ("principles: []", "must have at least 1 entry"),
        ("principles: [}", "this is not YAML"),
    ],
)
def test_a_file_that_is_no_constitution_is_told_why(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "law.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=says) as wrong:
        read_constitution(tmp_path, "law.yaml")
    assert "recipe" not in str(wrong.value)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "constitution.yaml").write_text("principles: []", encoding="utf-8")
    with pytest.raises(DataError, match=r'Did you mean "constitution.yaml"\?'):
        read_constitution(tmp_path, "constitution.yml")


def test_the_constitution_of_the_sample_is_whole_and_can_label() -> None:
    constitution = read_constitution(recipes_dir() / "harbour-desk", "constitution.yaml")
    assert len(constitution.preferring) == len(constitution.principles) == 4
    assert all(principle.demonstrations for principle in constitution.principles)


def test_the_critic_reads_its_orders_the_demonstrations_and_then_the_reply(tmp_path: Path) -> None:
    constitution = read_constitution(recipes_dir() / "harbour-desk", "constitution.yaml")
    principle: Principle = constitution.principles[0]
    asked = critique_of(constitution, principle, "You are the\ndesk.", [{"role": "user", "content": "dogs?"}], "No.")
    assert asked[0]["role"] == "system"
    assert asked[0]["content"].endswith("The assistant was told: You are the desk.")
    assert [m["role"] for m in asked[1:]] == ["user", "assistant"] * 4 + ["user"]
    assert asked[-1]["content"] == f"User: dogs?\nAssistant: No.\n\n{principle.critique}"
    again = revision_of(asked, "It ends in nothing.", principle)
    assert again[-2] == {"role": "assistant", "content": "It ends in nothing."}
    assert again[-1] == asked[3], "the revision is asked for as the demonstrations show it"


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Revised reply: At nine.", "At nine."),
        ("Here is the new reply: At nine.", "At nine."),
        ("Reply: At nine.", "At nine."),
        ('"At nine."', "At nine."),
        ("“At nine.”", "At nine."),
        ('"At" or "by" nine', '"At" or "by" nine'),
        ("Reply by post: one stamp.", "Reply by post: one stamp."),
        ("", ""),
    ],
)
def test_what_critics_put_around_a_revision_is_taken_away(said: str, reply: str) -> None:
    assert bare(said) == reply


def test_a_letter_is_one_letter() -> None:
    assert [letter_in(text) for text in ("A", "B.", "Reply B", "A or B", "Apples", "", "a")] == [
        "A", "B", "B", None, None, None, None
    ]  # fmt: skip


def test_options_that_have_no_meaning_here_are_refused() -> None:
    with pytest.raises(ValidationError, match="learns replies"):
        ConstitutionalOptions.model_validate({"constitution": "law.yaml", "objective": "documents"})
