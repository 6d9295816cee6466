"""A stage learns what it is given, keeps its best, and says clearly why it stops."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import Interrupted, TrainError
from loresmith.files import folder_hash
from loresmith.values import Weights
from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel
from loresmith_plugins.training import adapters
from tiny_models import write_chat_model
from tiny_stage import (
    EXAMPLES,
    INSTRUCTIONS,
    Stage,
    adapter_weights,
    example,
    plain_loss,
    plain_model,
    same_weights,
)

DROPOUT = {"dropout": 0.2, "epochs": 4}
# Every step is followed by a checkpoint.
OFTEN = {"checkpoint_seconds": 1e-9}


def test_a_set_that_can_be_memorised_is_and_the_engine_then_says_it(chat_model: Path, tmp_path: Path) -> None:
    few = EXAMPLES[:4]
    stage = Stage(chat_model, tmp_path, train=few, dev=few, options={"epochs": 60, "rank": 16})
    result = stage.run()
    assert stage.losses()[0] > 5
    assert result.train_loss < 0.05
    engine = TransformersChatModel.load(chat_model, max_tokens=40, batch_tokens=4096)
    engine.use(Weights(adapter=result.adapter))
    for one in few:
        (said,) = engine.complete([[{"role": "system", "content": INSTRUCTIONS}, *one.prompt]])
        assert (said.text, said.finished) == (one.reply, True)


def test_only_the_adapter_learns_and_the_base_stays_as_it_was(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    loaded = adapters.load_model(chat_model)
    before = {name: weight.clone() for name, weight in loaded.model.named_parameters()}
    own = dict(loaded.model.named_parameters())
    monkeypatch.setattr(adapters, "load_model", lambda _: loaded)
    files = folder_hash(chat_model)
    result = Stage(chat_model, tmp_path, options={"epochs": 4, "weight_decay": 0.5}).run()
    assert all(torch.equal(own[name], weight) for name, weight in before.items())
    assert folder_hash(chat_model) == files

    assert result.adapter is not None
    learnt = adapter_weights(result.adapter)
    assert all(".lora_A." in name or ".lora_B." in name for name in learnt)
    # Seven linear layers in each of two blocks, two halves each; the head is not among them.
    assert len(learnt) == 7 * 2 * 2
    assert all(weight.abs().sum() > 0 for weight in learnt.values())
    assert result.details["trainable_parameters"] == sum(weight.numel() for weight in learnt.values())


def test_the_adapter_names_its_base_without_a_path_of_this_machine(chat_model: Path, tmp_path: Path) -> None:
    result = Stage(chat_model, tmp_path, options={"epochs": 1}).run()
    assert result.adapter is not None
    config = (result.adapter / "adapter_config.json").read_text(encoding="utf-8")
    assert f'"base_model_name_or_path": "{chat_model.name}"' in config
    assert str(tmp_path) not in config


def test_named_layers_alone_get_adapters(chat_model: Path, tmp_path: Path) -> None:
    result = Stage(chat_model, tmp_path, options={"epochs": 1, "targets": ["q_proj", "v_proj"]}).run()
    assert result.adapter is not None
    assert {name.split(".")[-3] for name in adapter_weights(result.adapter)} == {"q_proj", "v_proj"}


def test_a_stage_goes_on_from_the_adapter_of_the_one_before(chat_model: Path, tmp_path: Path) -> None:
    first = Stage(chat_model, tmp_path / "1", options={"epochs": 6})
    before = first.run().adapter
    assert before is not None
    kept = folder_hash(before)
    second = Stage(chat_model, tmp_path / "2", adapter=before, options={"epochs": 2, "batch": 8})
    after = second.run().adapter
    assert after is not None
    reached = plain_loss(plain_model(chat_model, before), chat_model, EXAMPLES).item()
    assert second.losses()[0] == pytest.approx(reached, rel=1e-5)
    assert second.losses()[0] < first.losses()[0]
    assert folder_hash(before) == kept
    assert not same_weights(before, after)


def test_a_stage_that_asks_for_another_rank_than_it_goes_on_from_is_refused(chat_model: Path, tmp_path: Path) -> None:
    before = Stage(chat_model, tmp_path / "1", options={"epochs": 1, "rank": 2}).run().adapter
    with pytest.raises(TrainError, match="asks for rank 4, and the adapter it goes on from has rank 2"):
        Stage(chat_model, tmp_path / "2", adapter=before, options={"epochs": 1, "rank": 4}).run()


def test_the_same_seed_gives_the_same_adapter_and_another_seed_another(chat_model: Path, tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        adapter = Stage(chat_model, tmp_path / name, seed=seed, options=DROPOUT).run().adapter
        assert adapter is not None
        found.append(adapter)
    assert same_weights(found[0], found[1])
    assert not same_weights(found[0], found[2])


def test_early_stopping_keeps_the_best_weights(chat_model: Path, tmp_path: Path) -> None:
    # What is learnt of these contradicts the dev split, whose loss goes up once the words themselves are known.
    train = [example(one.question, one.reply[::-1].upper()) for one in EXAMPLES]
    options = {"epochs": 60, "evaluations": 1, "patience": 3, "learning_rate": 0.02}
    stage = Stage(chat_model, tmp_path, train=train, dev=EXAMPLES, options=options)
    result = stage.run()
    looks = stage.dev_losses()
    assert result.stopped_early
    assert result.best_step < result.steps < 120
    assert list(looks).index(result.best_step) == len(looks) - 1 - 3
    assert result.dev_loss == min(looks.values()) == looks[result.best_step]
    measured = plain_loss(plain_model(chat_model, result.adapter), chat_model, EXAMPLES).item()
    assert measured == pytest.approx(min(looks.values()), rel=1e-4)


def test_the_dev_split_is_looked_at_as_often_as_asked_and_at_the_end(chat_model: Path, tmp_path: Path) -> None:
    stage = Stage(chat_model, tmp_path, options={"epochs": 3, "evaluations": 2})
    stage.run()
    assert list(stage.dev_losses()) == [1, 2, 3, 4, 5, 6]
    half = Stage(chat_model, tmp_path / "half", options={"epochs": 1.5, "batch": 2})
    assert half.run().steps == 6
    assert max(half.dev_losses()) == 6


def test_the_parity_receipt_says_that_what_is_served_was_trained(chat_model: Path, tmp_path: Path) -> None:
    parity = Stage(chat_model, tmp_path, dev=EXAMPLES[:3], options={"epochs": 3}).run().details["parity"]
    assert (parity["prompts"], parity["prompts_equal"]) == (3, 3)
    tokens = sum(len(one.reply) + 1 for one in EXAMPLES[:3])
    assert (parity["next_tokens"], parity["next_tokens_equal"]) == (tokens, tokens)
    assert 0 <= parity["largest_difference"] < 1e-3


def test_every_step_reports_where_it_is(chat_model: Path, tmp_path: Path) -> None:
    stage = Stage(chat_model, tmp_path, options={"epochs": 2})
    trainer = stage.trainer()
    receipt = trainer.receipt()
    result = trainer.train()
    assert [(step["step"], step["steps"]) for step in stage.steps()] == [(n, 4) for n in (1, 2, 3, 4)]
    tokens = [step["tokens"] for step in stage.steps()]
    assert tokens == sorted(tokens)
    assert tokens[1] == receipt.trained_tokens + receipt.masked_tokens
    assert tokens[3] == result.tokens == 2 * tokens[1]


# ------------------------------------------------------------------------------------------ stopping and going on


@pytest.mark.parametrize("stop_after", [1, 3, 7])
def test_an_interrupted_stage_goes_on_to_the_very_weights_of_an_unbroken_one(
    chat_model: Path, tmp_path: Path, stop_after: int
) -> None:
    unbroken = Stage(chat_model, tmp_path / "unbroken", options=DROPOUT)
    whole = unbroken.run()
    broken = Stage(chat_model, tmp_path / "broken", options=DROPOUT, stop_after=stop_after)
    with pytest.raises(Interrupted, match=f"stopped at step {stop_after}") as interrupted:
        broken.run()
    assert interrupted.value.exit_code == 130
    resumed = Stage(chat_model, tmp_path / "broken", options=DROPOUT, resume=True)
    result = resumed.run()
    assert [step["step"] for step in resumed.steps()] == list(range(stop_after + 1, 9))
    assert broken.losses() + resumed.losses() == unbroken.losses()
    assert broken.dev_losses() | resumed.dev_losses() == unbroken.dev_losses()
    assert (result.best_step, result.dev_loss, result.tokens) == (whole.best_step, whole.dev_loss, whole.tokens)
    assert whole.adapter is not None
    assert result.adapter is not None
    assert same_weights(whole.adapter, result.adapter)


def test_without_being_asked_to_resume_a_stage_begins_anew(chat_model: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        Stage(chat_model, tmp_path, stop_after=2).run()
    again = Stage(chat_model, tmp_path)
    again.run()
    assert again.steps()[0]["step"] == 1


@pytest.mark.parametrize(
    "other",
    [
        {"options": {"learning_rate": 0.02}},
        {"options": {"rank": 4}},
        {"seed": 2},
        {"train": EXAMPLES[1:]},
        {"train": [*EXAMPLES[:-1], example("Children?", "Free.")]},
        {"instructions": "Something else."},
    ],
    ids=["rate", "rank", "seed", "fewer rows", "another reply", "instructions"],
)
def test_a_checkpoint_of_another_training_is_not_taken_up(
    chat_model: Path, tmp_path: Path, other: dict[str, Any]
) -> None:
    with pytest.raises(Interrupted):
        Stage(chat_model, tmp_path, stop_after=2).run()
    stage = Stage(chat_model, tmp_path, resume=True, **other)
    stage.run()
    assert stage.steps()[0]["step"] == 1


def test_how_often_checkpoints_are_made_does_not_bar_going_on(chat_model: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        Stage(chat_model, tmp_path, stop_after=2).run()
    stage = Stage(chat_model, tmp_path, resume=True, options={"checkpoint_seconds": 5})
    stage.run()
    assert stage.steps()[0]["step"] == 3


def test_a_full_disk_stops_the_stage_and_spares_the_checkpoint_before(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = Stage(chat_model, tmp_path / "unbroken", options=OFTEN).run().adapter
    stage = Stage(chat_model, tmp_path / "full", options=OFTEN)
    sync = os.fsync

    def fsync(file: int) -> None:
        if len(stage.steps()) >= 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(TrainError, match=r"the checkpoint of step 3 cannot be written .* the disk is full") as full:
        stage.run()
    assert "--resume" in full.value.hint
    assert full.value.exit_code == 1
    monkeypatch.setattr(os, "fsync", sync)
    assert not [path for path in stage.folder.rglob("*") if path.name.endswith(".tmp")]

    resumed = Stage(chat_model, tmp_path / "full", options=OFTEN, resume=True)
    adapter = resumed.run().adapter
    assert resumed.steps()[0]["step"] == 3
    assert unbroken is not None
    assert adapter is not None
    assert same_weights(unbroken, adapter)


def test_a_full_disk_at_the_very_end_is_told_as_clearly(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import PeftModel

    def save_pretrained(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(PeftModel, "save_pretrained", save_pretrained)
    with pytest.raises(TrainError, match=r"the adapter cannot be written .* the disk is full"):
        Stage(chat_model, tmp_path, options={"epochs": 1}).run()
    assert not (tmp_path / "adapter").exists()


# ---------------------------------------------------------------------------------------------- a loss that is none


def test_a_loss_that_is_nan_names_the_step_and_the_examples(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    base = write_chat_model(tmp_path / "base", tied=False)
    weights = load_file(base / "model.safetensors")
    weights["model.embed_tokens.weight"][torch.tensor(_id_of(base, "~"))] = float("nan")
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    sick = example("Is this ~ odd?", "Yes.", "bad.jsonl:7")
    stage = Stage(base, tmp_path / "stage", train=[*EXAMPLES, sick], options={"batch": 1, "epochs": 1})
    with pytest.raises(TrainError) as stopped:
        stage.run()
    step = len(stage.steps()) + 1
    assert 1 < step < 9
    assert f"the loss is nan at step {step}, on the batch: bad.jsonl:7" in stopped.value.message
    assert "learning_rate" in stopped.value.hint


def test_all_examples_of_the_batch_are_named(chat_model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = write_chat_model(tmp_path / "base")
    weights = load_file(base / "model.safetensors")
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainError, match="step 1") as stopped:
        Stage(base, tmp_path / "stage", train=EXAMPLES[:4]).run()
    assert all(one.place in stopped.value.message for one in EXAMPLES[:4])


def test_a_dev_loss_that_is_nan_stops_the_stage_too(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    base = write_chat_model(tmp_path / "base", tied=False)
    weights = load_file(base / "model.safetensors")
    weights["model.embed_tokens.weight"][torch.tensor(_id_of(base, "~"))] = float("nan")
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    stage = Stage(base, tmp_path / "stage", dev=[example("Is this ~ odd?", "Yes.")], options={"epochs": 1})
    with pytest.raises(TrainError, match="loss on the dev split is nan after step 2"):
        stage.run()


def _id_of(base: Path, character: str) -> int:
    from transformers import AutoTokenizer

    (number,) = AutoTokenizer.from_pretrained(base).encode(character)
    return int(number)
