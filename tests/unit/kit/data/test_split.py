from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loresmith.data.leak import leak_check, require_no_leak
from loresmith.data.split import FrozenSplit, freeze
from loresmith.errors import DataError, GateRefused
from loresmith.project import Project
from loresmith.recipe.models import Split
from loresmith.values import Example


def ids(examples: tuple[Example, ...]) -> set[str]:
    return {example.id for example in examples}


def documents(examples: tuple[Example, ...]) -> set[str]:
    return {document for example in examples for document in example.grounding}


def test_no_document_grounds_two_sides(project: Project, examples: list[Example]) -> None:
    split = freeze(project, examples, Split())
    assert not documents(split.train) & documents(split.test)
    assert not documents(split.train) & documents(split.dev)
    assert not documents(split.dev) & documents(split.test)
    assert split.shut_out == documents(split.dev) | documents(split.test)


def test_every_example_has_one_side_and_the_shares_are_met_in_each_stratum(
    project: Project, examples: list[Example]
) -> None:
    split = freeze(project, examples, Split(dev=0.1, test=0.2))
    sides = (split.train, split.dev, split.test)
    assert sum(map(len, sides)) == len(examples)
    assert set().union(*map(ids, sides)) == {example.id for example in examples}
    for answerable in (True, False):
        counts = [sum(e.answerable is answerable for e in side) for side in sides]
        shares = [count / sum(counts) for count in counts]
        assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.035)


def test_an_example_with_two_documents_joins_both_groups(project: Project, examples: list[Example], example) -> None:  # type: ignore[no-untyped-def]
    bridge = example("both at once", "3.md", "17.md")
    split = freeze(project, [*examples, bridge], Split())
    side = next(s for s in (split.train, split.dev, split.test) if bridge in s)
    assert {"3.md", "17.md"} <= documents(side)
    assert split.groups == 40 - 1 + 40


def test_duplicates_stay_on_one_side_even_without_grouping_by_document(project: Project, example) -> None:  # type: ignore[no-untyped-def]
    stems = [
        f"how long before departure {n * 7919 % 104729} must the van of mister {n * 31} be there" for n in range(30)
    ]
    twice = [
        example(text, f"{n}{mark}.md")
        for n, stem in enumerate(stems)
        for text, mark in ((stem, "a"), (stem + "??", "b"))
    ]
    split = freeze(project, twice, Split(group_by="none"))
    assert split.groups == 30
    assert leak_check(split).pairs == ()


def test_the_same_seed_gives_the_same_split_whatever_the_order(tmp_path: Path, examples: list[Example]) -> None:
    one = freeze(Project(tmp_path / "a"), examples, Split(seed=3))
    other = freeze(Project(tmp_path / "b"), examples[::-1], Split(seed=3))
    third = freeze(Project(tmp_path / "c"), examples, Split(seed=4))
    assert ids(one.test) == ids(other.test)
    assert one.fingerprint == other.fingerprint != third.fingerprint


def test_a_group_that_holds_most_examples_teaches_and_is_remarked_on(project: Project, example) -> None:  # type: ignore[no-untyped-def]
    crowd = [example(f"number {n * 7919 % 104729}", "all.md") for n in range(90)]
    rest = [example(f"rest {n * 104729 % 7919}", f"{n}.md") for n in range(10)]
    split = freeze(project, [*crowd, *rest], Split())
    assert ids(tuple(crowd)) <= ids(split.train)
    assert "the largest group" in split.remarks[0]
    assert split.dev
    assert split.test


def test_three_groups_are_enough_and_two_are_not(tmp_path: Path, example) -> None:  # type: ignore[no-untyped-def]
    three = [example(f"question {n * 7919}", f"{n}.md") for n in range(3)]
    split = freeze(Project(tmp_path / "three"), three, Split())
    assert (len(split.train), len(split.dev), len(split.test)) == (1, 1, 1)
    with pytest.raises(DataError, match=r"need 3 groups, and 2 examples make 2 groups"):
        freeze(Project(tmp_path / "two"), three[:2], Split())
    assert not (tmp_path / "two" / ".loresmith").exists()


# ---------------------------------------------------------------------------------------------- what was frozen


@pytest.fixture
def frozen(project: Project, examples: list[Example]) -> FrozenSplit:
    return freeze(project, examples, Split())


def test_the_frozen_split_is_used_and_its_file_left_alone(
    project: Project, examples: list[Example], frozen: FrozenSplit
) -> None:
    before = project.split.stat().st_mtime_ns
    assert freeze(project, examples, Split()) == frozen
    assert project.split.stat().st_mtime_ns == before


def test_a_new_example_follows_its_group_or_learns(
    project: Project, examples: list[Example], frozen: FrozenSplit, example: Any
) -> None:
    beside_test = example(
        "another about the same page",
        frozen.test[0].grounding[0] if frozen.test[0].grounding else next(iter(documents(frozen.test))),
    )
    fresh = example("on a page nobody asked about", "new.md")
    split = freeze(project, [*examples, beside_test, fresh], Split())
    assert beside_test in split.test
    assert fresh in split.train
    assert ids(frozen.test) < ids(split.test)
    assert freeze(project, [*examples, beside_test, fresh], Split()) == split


@pytest.mark.parametrize("change", ["{}", "  {}!", "so {}"])
def test_a_new_example_that_asks_what_is_held_out_is_refused(project: Project, example: Any, change: str) -> None:
    stems = [
        f"how long before departure {n * 7919 % 104729} must the van of mister {n * 31} be there" for n in range(30)
    ]
    old = [example(stem, f"{n}.md") for n, stem in enumerate(stems)]
    held = freeze(project, old, Split()).test[0]
    before = project.split.read_bytes()
    again = example(change.format(held.question), "other.md", answer="another reply", place="data/new.jsonl:7")
    with pytest.raises(GateRefused, match=r"data/new.jsonl:7: asks the same as") as caught:
        freeze(project, [*old, again], Split())
    assert caught.value.exit_code == 3
    assert "--resplit" in caught.value.hint
    assert project.split.read_bytes() == before


def test_a_new_example_that_ties_test_and_train_together_is_refused(
    project: Project, examples: list[Example], frozen: FrozenSplit, example: Any
) -> None:
    there = [sorted(documents(side))[0] for side in (frozen.train, frozen.test)]
    with pytest.raises(GateRefused, match=r"new.jsonl:1: .* tie train and test together"):
        freeze(project, [*examples, example("both", *there, place="new.jsonl:1")], Split())


def test_removed_edited_and_regrounded_test_examples_are_refused(
    project: Project, examples: list[Example], frozen: FrozenSplit
) -> None:
    gone, moved = frozen.test[:2]
    changed = Example(moved.id, moved.messages, ("elsewhere.md",), moved.answerable, "data/e.jsonl:9")
    rest = [changed if e.id == moved.id else e for e in examples if e.id != gone.id]
    with pytest.raises(GateRefused, match=f"2 of its {len(frozen.test)} examples changed") as caught:
        freeze(project, rest, Split())
    assert f'gone or reworded: "{gone.question}"' in caught.value.message
    assert "data/e.jsonl:9: grounding or answerable changed" in caught.value.message


def test_training_examples_may_come_and_go(project: Project, examples: list[Example], frozen: FrozenSplit) -> None:
    gone = frozen.train[0]
    split = freeze(project, [e for e in examples if e.id != gone.id], Split())
    assert split.test == frozen.test
    assert split.dev == frozen.dev
    assert gone.id not in json.loads(project.split.read_text())["examples"]


def test_a_side_that_lost_all_its_examples_is_refused(
    project: Project, examples: list[Example], frozen: FrozenSplit
) -> None:
    with pytest.raises(GateRefused, match="no example is left on the dev side"):
        freeze(project, [e for e in examples if e.id not in ids(frozen.dev)], Split())


def test_other_options_are_refused_and_named(project: Project, examples: list[Example], frozen: FrozenSplit) -> None:
    with pytest.raises(GateRefused, match=r"seed 13 → 14"):
        freeze(project, examples, Split(seed=14))


def test_resplit_freezes_anew(project: Project, examples: list[Example], frozen: FrozenSplit) -> None:
    split = freeze(project, examples, Split(seed=14), resplit=True)
    assert split.fingerprint != frozen.fingerprint
    assert freeze(project, examples, Split(seed=14)) == split


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 9, "options": {}, "examples": {}}', '{"version": 1}'])
def test_a_damaged_split_file_is_named(project: Project, examples: list[Example], text: str) -> None:
    project.split.parent.mkdir()
    project.split.write_text(text)
    with pytest.raises(DataError, match=r"split\.json"):
        freeze(project, examples, Split())


# -------------------------------------------------------------------------------------------------- leak check


def test_the_leak_check_counts_equal_and_nearly_equal_questions_on_two_sides(example: Any) -> None:
    long = "how much does a return ticket to the outer island cost on a sunday"
    train = (example("Same?", place="a:1"), example(long, answer="x"), example(long, answer="y"))
    test = (example("same", place="b:2"), example(long.replace("island", "iland")), example("alone"))
    split = FrozenSplit(train, (), test, groups=0)
    receipt = leak_check(split)
    assert receipt.to_json() == {"exact": 1, "near": 1}
    with pytest.raises(GateRefused, match=r"a:1 \(train\) and b:2 \(test\)"):
        require_no_leak(split)


def test_twins_on_the_same_side_do_not_leak(example: Any) -> None:
    split = FrozenSplit((example("Same?"), example("same")), (), (example("other"),), groups=0)
    assert require_no_leak(split).to_json() == {"exact": 0, "near": 0}
