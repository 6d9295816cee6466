"""What a stage learns: which replies, which general examples beside them, or the documents themselves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import DataError
from loresmith.values import Document, Example
from loresmith_plugins.engines.transformers.load import load_format
from loresmith_plugins.methods.sft import SftOptions
from loresmith_plugins.methods.sft.blocks import blocks_of, divided
from tiny_stage import EXAMPLES, Stage, example, plain_model

TALK = Example.of(
    [
        {"role": "user", "content": "Hi?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Sure?"},
        {"role": "assistant", "content": "No."},
    ]
)
DOCUMENTS = tuple(
    Document(f"{name}.md", f"# {name}\n\nThe {name} leaves at nine, and at noon, and then no more. " * 6)
    for name in ("Merrow", "Vedrey", "Lorrin", "Hallasay")
)
READING = {"objective": "documents", "block": 64}


def general(root: Path, count: int) -> str:
    rows = [{"question": f"General {n}?", "answer": f"Reply {n}."} for n in range(count)]
    root.mkdir(parents=True, exist_ok=True)
    (root / "general.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return "general.jsonl"


# -------------------------------------------------------------------------------------------------------- replies


def test_all_replies_of_a_conversation_are_learnt_or_the_last_alone(chat_model: Path, tmp_path: Path) -> None:
    trained = {
        on: Stage(chat_model, tmp_path, train=[TALK], options={"loss_on": on}).trainer().receipt().trained_tokens
        for on in ("all", "last")
    }
    assert trained == {"all": len("Yes.") + 1 + len("No.") + 1, "last": len("No.") + 1}


def test_few_examples_are_warned_of_and_many_are_not(chat_model: Path, tmp_path: Path) -> None:
    (warning,) = Stage(chat_model, tmp_path).trainer().receipt().warnings
    assert warning.startswith("only 8 examples")
    assert all(word in warning for word in ("few-shot", "rag"))
    assert Stage(chat_model, tmp_path, train=EXAMPLES * 13).trainer().receipt().warnings == ()


def test_an_example_is_written_as_the_model_reads_it_once_for_all_epochs(chat_model: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    stage = Stage(
        chat_model,
        tmp_path,
        train=EXAMPLES * 20,
        options={"epochs": 3},
        others={"progress": lambda *how_far: told.append(how_far)},
    )
    epochs = stage.trainer().material.epochs
    assert {id(row) for row in epochs[0]} == {id(row) for row in epochs[1]} == {id(row) for row in epochs[2]}
    assert [how_far[1:] for how_far in told] == [(100, 160), (160, 160)]


def test_every_bare_example_has_its_turn_beside_those_with_passages(chat_model: Path, tmp_path: Path) -> None:
    class Twice:
        def make(self, examples: Sequence[Example], seed: int) -> list[Example]:
            return [example(f"{each.question} Passage {seed}.", each.reply) for each in examples]

    options = {"passages": 1, "plain": 0.25, "epochs": 4}
    stage = Stage(chat_model, tmp_path, options=options, make=lambda _name, _options: Twice())
    epochs = [[row.place for row in rows] for rows in stage.trainer().material.epochs]
    assert [len(places) for places in epochs] == [len(EXAMPLES) + 2] * 4
    bare = [place for places in epochs for place in places if place.startswith("data.jsonl")]
    assert sorted(bare) == sorted(each.place for each in EXAMPLES)


def test_an_empty_reply_is_refused_with_file_and_line(chat_model: Path, tmp_path: Path) -> None:
    empty = [example("Who?", reply, f"data/examples.jsonl:{line}") for reply, line in (("", 4), (" \n", 7))]
    with pytest.raises(DataError, match="have an empty reply") as refused:
        Stage(chat_model, tmp_path, train=[*EXAMPLES, *empty]).trainer()
    assert [(p.file, p.line) for p in refused.value.problems] == [("data/examples.jsonl", n) for n in (4, 7)]


# ------------------------------------------------------------------------------------------------ general examples


def mixed(base: Path, folder: Path, share: float, count: int = 20, **more: Any) -> Stage:
    mix = {"path": general(folder.parent, count), "share": share}
    return Stage(base, folder, options={"mix": mix, "epochs": 2, **more})


def test_general_examples_are_a_share_of_every_epoch_and_others_in_the_next(chat_model: Path, tmp_path: Path) -> None:
    material = mixed(chat_model, tmp_path / "stage", 0.2).trainer().material
    replayed = [[row.place for row in rows if row.place.startswith("general")] for rows in material.epochs]
    assert [len(rows) for rows in material.epochs] == [10, 10]
    assert [len(places) for places in replayed] == [2, 2]
    assert not set(replayed[0]) & set(replayed[1])
    assert not any(row.place.startswith("general") for row in material.dev)


def test_more_general_examples_than_there_are_come_round_again(chat_model: Path, tmp_path: Path) -> None:
    material = mixed(chat_model, tmp_path / "stage", 0.5, count=3).trainer().material
    places = [row.place for row in material.epochs[0] if row.place.startswith("general")]
    assert len(places) == 8
    assert len(set(places)) == 3


def test_general_examples_that_are_replayed_are_forgotten_less(chat_model: Path, tmp_path: Path) -> None:
    losses = {}
    for share in (0.0, 0.5):
        folder = tmp_path / str(share) / "stage"
        stage = mixed(chat_model, folder, share or 0.5, count=8, epochs=8, batch=8)
        if not share:
            stage.options.pop("mix")
        stage.run()
        look = Stage(chat_model, folder / "look", adapter=folder / "adapter", options={"epochs": 1, "batch": 8})
        look.train = [example(f"General {n}?", f"Reply {n}.") for n in range(8)]
        look.run()
        losses[share] = look.losses()[0]
    assert losses[0.5] < losses[0.0] / 2


def test_general_examples_that_do_not_fit_are_left_out_and_counted(chat_model: Path, tmp_path: Path) -> None:
    stage = mixed(chat_model, tmp_path / "stage", 0.2, count=2)
    with (tmp_path / "general.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps({"question": "Why? " * 200, "answer": "So."}))
    warnings = stage.trainer().receipt().warnings
    assert any("1 of 3 general examples in general.jsonl are left out: the model reads 512" in one for one in warnings)


def test_a_file_of_general_examples_that_is_not_there_is_told_and_its_contents_shape_the_stage(
    chat_model: Path, tmp_path: Path
) -> None:
    options = {"mix": {"path": "nowhere.jsonl"}}
    with pytest.raises(DataError, match=r"nowhere\.jsonl"):
        Stage(chat_model, tmp_path / "stage", options=options).trainer()
    assert SftOptions.model_validate(options).files() == ("nowhere.jsonl",)
    assert SftOptions().files() == ()


# ------------------------------------------------------------------------------------------------------- documents


def blocks(base: Path, size: int = 64, documents: Sequence[Document] = DOCUMENTS) -> Any:
    return blocks_of(documents, load_format(base), size)


def test_documents_are_one_stream_of_full_blocks_with_an_end_behind_each(chat_model: Path) -> None:
    rows = blocks(chat_model)
    assert all(len(row.ids) == 64 for row in rows[:-1])
    assert all(row.trained_tokens == len(row.ids) - 1 for row in rows)
    text = load_format(chat_model).tokenizer.decode([token for row in rows for token in row.ids])
    assert text == "".join(f"{document.text}<|endoftext|>" for document in DOCUMENTS)
    assert {place for row in rows for place in row.place.split(", ")} == {document.id for document in DOCUMENTS}


def test_some_blocks_are_held_out_the_same_ones_for_the_same_seed(chat_model: Path) -> None:
    rows = blocks(chat_model, 16)
    train, dev = divided(rows, 1)
    assert len(dev) == max(1, round(len(rows) * 0.05))
    assert sorted([*train, *dev], key=rows.index) == rows
    assert divided(rows, 1) == (train, dev)
    assert divided(rows, 2)[1] != dev


@pytest.mark.parametrize("adapter", ["lora", "none"])
def test_documents_are_read_before_instructions_are_learnt(chat_model: Path, tmp_path: Path, adapter: str) -> None:
    options: dict[str, Any] = {**READING, "adapter": adapter, "epochs": 3, "learning_rate": 0.003}
    reading = Stage(chat_model, tmp_path / "1", others={"documents": DOCUMENTS}, train=(), dev=(), options=options)
    trainer = reading.trainer()
    receipt = trainer.receipt()
    assert receipt.trained_tokens == sum(len(row.ids) - 1 for row in trainer.material.epochs[0])
    assert receipt.warnings == ()
    first = trainer.train()
    assert list(reading.dev_losses().values())[-1] < 0.9 * reading.losses()[0]
    assert first.details["parity"]["prompts"] == 0
    assert first.details["parity"]["next_tokens"] == first.details["parity"]["next_tokens_equal"] > 0

    second = Stage(first.model or chat_model, tmp_path / "2", adapter=first.adapter, options={"epochs": 1})
    second.run()
    assert second.losses()[0] > 0


def test_the_dev_loss_of_documents_is_that_of_all_tokens_held_out(chat_model: Path, tmp_path: Path) -> None:
    import torch

    stage = Stage(chat_model, tmp_path, others={"documents": DOCUMENTS}, options={**READING, "epochs": 1})
    trainer = stage.trainer()
    result = trainer.train()
    model = plain_model(chat_model, result.adapter)
    with torch.no_grad():
        rows = [torch.tensor([row.ids]) for row in trainer.material.dev]
        losses = [model(input_ids=ids, labels=ids).loss for ids in rows]
    assert result.dev_loss == pytest.approx(float(sum(losses) / len(losses)), rel=1e-4)


def test_too_few_documents_or_too_long_blocks_are_refused(chat_model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="do not fill two blocks of 512 tokens"):
        Stage(chat_model, tmp_path, others={"documents": DOCUMENTS[:1]}, options={"objective": "documents"}).trainer()
    with pytest.raises(DataError, match="do not fill two blocks"):
        Stage(chat_model, tmp_path, others={"documents": ()}, options=READING).trainer()
    with pytest.raises(DataError, match="blocks of 513 tokens do not fit"):
        Stage(chat_model, tmp_path, others={"documents": DOCUMENTS}, options={**READING, "block": 513}).trainer()
