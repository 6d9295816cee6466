"""What is doubtful about preferences is said before the first step."""

from __future__ import annotations

from pathlib import Path

import pytest

from loresmith.errors import DataError
from tiny_preferences import PAIRS, on_preferences, pair, thumb

MANY = [pair(f"Question {n}?", "Yes" if n % 2 else "Yes, it is.", "No, never." if n % 2 else "No") for n in range(120)]


def warnings(base: Path, folder: Path, preferences: object, held_out: object = PAIRS) -> tuple[str, ...]:
    stage = on_preferences("dpo", base, folder, preferences=preferences, held_out=held_out)
    return tuple(stage.trainer().receipt().warnings)


def test_balanced_pairs_in_plenty_are_taken_without_a_word(chat_model: Path, tmp_path: Path) -> None:
    assert warnings(chat_model, tmp_path, MANY) == ()


def test_pairs_that_prefer_nothing_or_say_nothing_are_left_out_by_name(chat_model: Path, tmp_path: Path) -> None:
    bad = [pair("Same?", "Yes.", "Yes. ", "p.jsonl:7"), pair("Empty?", "Yes.", " ", "p.jsonl:9")]
    found = warnings(chat_model, tmp_path, [*MANY, *bad, thumb("Hi?", "Yes.", True, "p.jsonl:11")])
    assert len(found) == 3
    assert "empty" in found[0]
    assert "p.jsonl:9" in found[0]
    assert "chosen equals rejected: p.jsonl:7" in found[1]
    assert "p.jsonl:11" in found[2]


@pytest.mark.parametrize("longer", ["chosen", "rejected"])
def test_a_side_that_is_always_the_longer_one_is_named_with_its_share(
    chat_model: Path, tmp_path: Path, longer: str
) -> None:
    long, short = "Yes, on every day of the year.", "Yes."
    sides = (long, short) if longer == "chosen" else (short, long)
    (found,) = warnings(chat_model, tmp_path, [pair(f"Question {n}?", *sides) for n in range(120)])
    assert f"the {longer} reply is the longer one in 100% of 120 pairs, by {len(long) - len(short)} tokens" in found


def test_few_pairs_and_none_held_out_are_said(chat_model: Path, tmp_path: Path) -> None:
    few, none = warnings(chat_model, tmp_path, MANY[:20], held_out=())
    assert few.startswith("20 pairs are few")
    assert none.startswith("no preference is held out")


def test_pairs_beyond_the_window_are_refused_all_with_file_and_line(chat_model: Path, tmp_path: Path) -> None:
    long = [pair("Why? " * 120, "So.", "No.", f"data/pairs.jsonl:{line}") for line in (3, 9)]
    with pytest.raises(DataError) as refused:
        on_preferences("dpo", chat_model, tmp_path, preferences=[*PAIRS, *long]).trainer()
    assert [(p.file, p.line) for p in refused.value.problems] == [("data/pairs.jsonl", n) for n in (3, 9)]
    assert "the model reads 512" in refused.value.problems[0].what


def test_a_batch_order_holds_every_row_once_an_epoch() -> None:
    from loresmith_plugins.training.options import LoopOptions
    from loresmith_plugins.training.preference_rows import batch_order

    order = batch_order([5, 3, 9, 2, 7], LoopOptions(epochs=2, batch=2), seed=3)
    assert sorted(i for batch in order[:3] for i in batch) == [0, 1, 2, 3, 4]
    assert sorted(i for batch in order[3:] for i in batch) == [0, 1, 2, 3, 4]
    assert len(batch_order([5, 3, 9, 2, 7], LoopOptions(epochs=0.5, batch=2), seed=3)) == 2


def test_what_is_kept_apart_shares_no_prompt_with_what_is_learnt(chat_model: Path, tmp_path: Path) -> None:
    twice = [*MANY, *(pair(p.prompt[0]["content"], p.rejected, p.chosen) for p in MANY)]
    stage = on_preferences("dpo", chat_model, tmp_path, preferences=twice, options={"dev": 0.25}).trainer()
    assert len(stage.dev_pairs) == 60
    assert not {p.prompt for p in stage.dev_pairs} & {p.prompt for p in stage.train_pairs}
