"""What a stage would train is counted and refused before it begins."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import DataError, GateRefused
from loresmith.values import Example
from loresmith_plugins.training.rows import Row, length_grouped_batches
from tiny_stage import EXAMPLES, Stage, example

YES = example("Hi?", "Yes.", "data.jsonl:1")


def receipt(base: Path, folder: Path, train: Sequence[Example], **more: Any) -> Any:
    return Stage(base, folder, train=train, instructions="Be brief.", **more).trainer().receipt()


def test_the_receipt_counts_as_a_hand_does(chat_model: Path, tmp_path: Path) -> None:
    # A control mark is one token, a character is one, a line break with the letter behind it is one.
    system = 1 + len("system") + len("B") + len("e brief.") + 1 + len("\n")
    user = 1 + len("user") + len("H") + len("i?") + 1 + len("\n")
    begin = 1 + len("assistant") + len("\n")
    reply = len("Yes.") + 1
    found = receipt(chat_model, tmp_path, [YES])
    assert (found.trained_tokens, found.masked_tokens) == (reply, system + user + begin)
    assert found.longest == reply + system + user + begin
    assert found.examples == 1
    assert found.eos_trained is True
    ((first, second),) = found.samples
    assert first == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\n",
        False,
    )
    assert second == ("Yes.<|im_end|>", True)


def test_turns_marked_as_not_trained_are_not_counted(chat_model: Path, tmp_path: Path) -> None:
    both = Example.of([*YES.messages, {"role": "user", "content": "Sure?"}, {"role": "assistant", "content": "No."}])
    first = Example.of([{**m, "trained": False} if m["role"] == "assistant" else m for m in both.messages[:2]])
    last_only = Example.of([*first.messages, *both.messages[2:]])
    assert receipt(chat_model, tmp_path, [both]).trained_tokens == len("Yes.") + 1 + len("No.") + 1
    assert receipt(chat_model, tmp_path, [last_only]).trained_tokens == len("No.") + 1


def test_a_receipt_shows_a_handful_of_many_examples(chat_model: Path, tmp_path: Path) -> None:
    found = receipt(chat_model, tmp_path, EXAMPLES * 10)
    assert found.examples == 80
    assert 1 < len(found.samples) < 10


@pytest.mark.parametrize("how", ["all marked", "none given"])
def test_a_stage_with_nothing_to_train_is_stopped_by_the_gate(chat_model: Path, tmp_path: Path, how: str) -> None:
    marked = Example.of([YES.messages[0], {"role": "assistant", "content": "Yes.", "trained": False}])
    with pytest.raises(GateRefused, match="nothing would be trained") as refused:
        receipt(chat_model, tmp_path, [marked] if how == "all marked" else [])
    assert refused.value.exit_code == 3


def test_a_template_whose_turns_do_not_end_for_the_model_is_stopped_by_the_gate(
    chat_model: Path, tmp_path: Path
) -> None:
    base = Path(shutil.copytree(chat_model, tmp_path / "base"))
    settings = json.loads((base / "tokenizer_config.json").read_text(encoding="utf-8"))
    settings["chat_template"] = settings["chat_template"].replace("<|im_end|>", "[end]")
    (base / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (base / "chat_template.jinja").unlink(missing_ok=True)
    with pytest.raises(GateRefused, match="end of turn") as refused:
        receipt(base, tmp_path / "stage", [YES])
    assert "never stop" in refused.value.message


def test_examples_beyond_the_window_are_refused_all_with_file_and_line(chat_model: Path, tmp_path: Path) -> None:
    long = [example("Why? " * 120, "So.", f"data/examples.jsonl:{line}") for line in (3, 9)]
    with pytest.raises(DataError) as refused:
        Stage(chat_model, tmp_path, train=[YES, long[0], YES, long[1]]).trainer()
    assert [(p.file, p.line) for p in refused.value.problems] == [("data/examples.jsonl", n) for n in (3, 9)]
    assert "the model reads 512" in refused.value.problems[0].what
    assert "data/examples.jsonl:9" in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_dev_example_beyond_the_window_is_refused_too(chat_model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data/dev\.jsonl:4"):
        Stage(chat_model, tmp_path, dev=[example("Why? " * 120, "So.", "data/dev.jsonl:4")]).trainer()


def rows(count: int, seed: int = 5) -> list[Row]:
    chance = random.Random(seed)
    lengths = [chance.randint(3, 200) for _ in range(count)]
    return [Row(tuple(range(n)), (False,) + (True,) * (n - 1), f"f:{i}") for i, n in enumerate(lengths)]


@pytest.mark.parametrize(("count", "size"), [(1, 8), (7, 8), (8, 8), (100, 8), (300, 7)])
def test_batches_of_like_length_hold_every_row_once(count: int, size: int) -> None:
    given = rows(count)
    for epoch in range(3):
        batches = length_grouped_batches(given, size, random.Random(epoch))
        assert Counter(row.place for batch in batches for row in batch) == Counter(row.place for row in given)
        assert all(1 <= len(batch) <= size for batch in batches)
        assert len(batches) <= -(-count // size) + count // (size * 16)


def test_batches_by_length_carry_little_padding_and_new_company_every_epoch() -> None:
    given = rows(256)
    epochs = [length_grouped_batches(given, 8, random.Random(epoch)) for epoch in range(2)]
    padding = sum(max(len(r.ids) for r in batch) * len(batch) - sum(len(r.ids) for r in batch) for batch in epochs[0])
    assert padding < 0.1 * sum(len(row.ids) for row in given)
    company = [{frozenset(row.place for row in batch) for batch in batches} for batches in epochs]
    assert not company[0] & company[1]
    lengths = [len(batch[0].ids) for batch in epochs[0]]
    assert lengths != sorted(lengths)
    assert lengths != sorted(lengths, reverse=True)


def test_a_look_shows_what_the_window_cuts_off_and_a_stage_refuses_it(chat_model: Path, tmp_path: Path) -> None:
    long = example("Why?", "because " * 90, "data.jsonl:1")
    with pytest.raises(DataError, match="do not fit"):
        receipt(chat_model, tmp_path, [long])
    stage = Stage(chat_model, tmp_path, train=[long], instructions="Be brief.", others={"looking": True})
    [sample] = stage.trainer().receipt().samples
    assert [trained for _, trained in sample] == [False, True, None]
    whole = "".join(text for text, _ in sample)
    assert whole.rstrip().endswith("because<|im_end|>")
    assert receipt(chat_model, tmp_path, [YES]).samples[0][-1][1] is True
