"""A stage on pairs makes the chosen replies likelier, measured against the model it started from."""

from __future__ import annotations

import errno
import os
import typing
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import GateRefused, Interrupted, TrainError
from loresmith.files import folder_hash
from loresmith_plugins.methods.dpo import DpoOptions, Loss
from tiny_preferences import PAIRS, on_preferences, pair, thumb
from tiny_stage import INSTRUCTIONS, adapter_weights, plain_model, same_weights

OFTEN = {"checkpoint_seconds": 1e-9}


def replies_of(base: Path, adapter: Path | None, one: Any) -> tuple[float, float]:
    """Return log p of the chosen and of the rejected reply, computed with nothing but the plain libraries."""
    import torch
    from transformers import AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(base), plain_model(base, adapter).eval()
    shown = f"<|im_start|>system\n{INSTRUCTIONS}<|im_end|>\n<|im_start|>user\n{one.prompt[0]['content']}<|im_end|>\n"
    prompt = tokenizer.encode(f"{shown}<|im_start|>assistant\n")
    found = []
    for reply in (one.chosen, one.rejected):
        ids = tokenizer.encode(f"{reply}<|im_end|>")
        logits = model(input_ids=torch.tensor([prompt + ids])).logits[0, len(prompt) - 1 : -1]
        log_p = torch.log_softmax(logits, -1)
        found.append(sum(log_p[i, token].item() for i, token in enumerate(ids)))
    return found[0], found[1]


@pytest.fixture(scope="module")
def learnt(chat_model: Path, adapters: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A stage that went on from an adapter, its result, and the hash of that adapter and base before."""
    before = folder_hash(chat_model), folder_hash(adapters[0])
    stage = on_preferences(
        "dpo", chat_model, tmp_path_factory.mktemp("dpo"), adapter=adapters[0], options={"epochs": 12}
    )
    return stage, stage.run(), before


def test_pairs_that_can_be_memorised_are_told_apart(learnt: Any) -> None:
    stage, result, _ = learnt
    assert stage.losses()[-1] < 0.1 < stage.losses()[0]
    held_out = result.details["held_out"]
    assert held_out["gained"]["accuracy"]["mean"] == 1.0
    assert held_out["gained"]["margin"]["low"] > 0
    assert held_out["after"]["accuracy"]["mean"] >= held_out["before"]["accuracy"]["mean"]
    assert stage.steps()[-1]["rewards/margins"] > 1


def test_the_first_loss_is_that_of_a_model_that_is_its_own_reference(learnt: Any) -> None:
    # log 2: the margin over the reference is zero, whatever the base under the adapter thinks of the replies.
    stage, _, _ = learnt
    assert stage.losses()[0] == pytest.approx(0.6931, abs=1e-3)
    assert stage.steps()[0]["rewards/margins"] == pytest.approx(0, abs=1e-3)


def test_the_reference_is_the_model_that_the_stage_found_and_not_the_bare_base(
    chat_model: Path, adapters: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loresmith_plugins.methods.dpo import train

    seen: dict[str, Any] = {}

    def run(_stage: Any, trainer: Any, *_: Any) -> None:
        seen["rows"] = trainer.train_dataset.to_list()
        raise Interrupted("enough")

    monkeypatch.setattr(train.TrlStage, "run", run)
    with pytest.raises(Interrupted):
        on_preferences("dpo", chat_model, tmp_path, adapter=adapters[0]).run()
    for row, one in zip(seen["rows"], PAIRS, strict=True):
        found = row["ref_chosen_logps"], row["ref_rejected_logps"]
        assert found == pytest.approx(replies_of(chat_model, adapters[0], one), rel=1e-4)
        assert found != pytest.approx(replies_of(chat_model, None, one), rel=1e-2)


def test_the_figures_of_held_out_pairs_are_those_of_the_adapter_that_is_left(
    chat_model: Path, adapters: tuple[Path, Path], learnt: Any
) -> None:
    _, result, _ = learnt
    for when, adapter in (("before", adapters[0]), ("after", result.adapter)):
        margins = [a - b for a, b in (replies_of(chat_model, adapter, one) for one in PAIRS)]
        found = result.details["held_out"][when]
        assert found["margin"]["mean"] == pytest.approx(sum(margins) / len(margins), rel=1e-3)
        assert found["accuracy"]["mean"] == sum(margin > 0 for margin in margins) / len(margins)


def test_base_and_adapter_of_the_stage_before_stay_as_they_were(
    chat_model: Path, adapters: tuple[Path, Path], learnt: Any
) -> None:
    _, result, before = learnt
    assert (folder_hash(chat_model), folder_hash(adapters[0])) == before
    left = sorted(path.name for path in result.adapter.iterdir())
    assert left == ["adapter_config.json", "adapter_model.safetensors"]
    assert adapter_weights(result.adapter).keys() == adapter_weights(adapters[0]).keys()
    assert not same_weights(adapters[0], result.adapter)


def test_what_is_served_is_what_was_trained(learnt: Any) -> None:
    parity = learnt[1].details["parity"]
    assert parity["prompts_equal"] == parity["prompts"] == len(PAIRS)
    assert parity["next_tokens_equal"] == parity["next_tokens"]


def test_the_engine_prefers_what_the_stage_was_taught(chat_model: Path, learnt: Any) -> None:
    from loresmith.values import Weights
    from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel

    engine = TransformersChatModel.load(chat_model, max_tokens=8, batch_tokens=4096)
    engine.use(Weights(adapter=learnt[1].adapter))
    for one in PAIRS[:3]:
        shown = [{"role": "system", "content": INSTRUCTIONS}, *one.prompt]
        ((chosen, rejected),) = engine.log_probabilities([shown], [one.chosen, one.rejected])
        assert chosen > rejected


def test_a_resumed_stage_leaves_what_an_unbroken_one_leaves(chat_model: Path, tmp_path: Path) -> None:
    options = {"epochs": 2, "dev": 0.25, "dropout": 0.1}
    unbroken = on_preferences("dpo", chat_model, tmp_path / "1", options=options)
    whole = unbroken.run()
    broken = on_preferences("dpo", chat_model, tmp_path / "2", options=options, stop_after=2)
    with pytest.raises(Interrupted, match="step 2"):
        broken.run()
    rest = on_preferences("dpo", chat_model, tmp_path / "2", options=options, resume=True)
    result = rest.run()
    assert [*broken.losses(), *rest.losses()] == unbroken.losses()
    assert broken.dev_losses() | rest.dev_losses() == unbroken.dev_losses()
    assert [e["tokens"] for e in (*broken.steps(), *rest.steps())] == [e["tokens"] for e in unbroken.steps()]
    assert whole.adapter is not None
    assert result.adapter is not None
    assert same_weights(whole.adapter, result.adapter)
    assert (result.steps, result.best_step, result.dev_loss) == (whole.steps, whole.best_step, whole.dev_loss)


def test_a_checkpoint_of_another_training_is_not_taken_up(chat_model: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        on_preferences("dpo", chat_model, tmp_path, stop_after=1).run()
    other = on_preferences("dpo", chat_model, tmp_path, resume=True, options={"beta": 0.2, "epochs": 0.5})
    other.run()
    assert other.steps()[0]["step"] == 1


def test_the_same_seed_gives_the_same_adapter_and_another_seed_another(chat_model: Path, tmp_path: Path) -> None:
    found = [
        on_preferences("dpo", chat_model, tmp_path / name, seed=seed, options={"epochs": 1}).run().adapter
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert same_weights(found[0], found[1])
    assert not same_weights(found[0], found[2])


@pytest.mark.parametrize("loss", ["ipo", "exo_pair"])
def test_another_loss_trains_a_stage(chat_model: Path, tmp_path: Path, loss: str) -> None:
    smoothing = {"label_smoothing": 0.1} if loss == "exo_pair" else {}
    stage = on_preferences("dpo", chat_model, tmp_path, options={"loss": loss, "epochs": 2, **smoothing})
    stage.run()
    assert stage.losses()[-1] < stage.losses()[0]


def test_every_loss_of_trl_has_a_gradient(chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from loresmith_plugins.methods.dpo import train

    found: dict[str, float] = {}

    def run(stage: Any, trainer: Any, weights: Any, batches: Any) -> None:
        trainer.stage, stage.batches = stage, batches
        batch = next(iter(trainer.get_train_dataloader()))
        for loss in typing.get_args(Loss):
            trainer.loss_types = [loss]
            gradients = torch.autograd.grad(trainer.compute_loss(trainer.model, batch), list(weights.values()))
            found[loss] = sum(float(gradient.abs().sum()) for gradient in gradients)
        raise Interrupted("enough")

    monkeypatch.setattr(train.TrlStage, "run", run)
    with pytest.raises(Interrupted):
        on_preferences("dpo", chat_model, tmp_path, options={"label_smoothing": 0.1}).run()
    assert found.keys() == set(typing.get_args(Loss))
    assert all(0 < gradient < float("inf") for gradient in found.values()), found


def test_the_losses_are_those_of_the_installed_trl() -> None:
    import inspect

    from trl import DPOTrainer

    source = inspect.getsource(DPOTrainer._compute_loss)
    assert {name for name in typing.get_args(Loss) if f'loss_type == "{name}"' in source} == set(typing.get_args(Loss))
    assert source.count("loss_type == ") == len(typing.get_args(Loss))


def test_a_loss_that_needs_smoothing_says_so() -> None:
    with pytest.raises(ValueError, match="exo_pair needs a label_smoothing"):
        DpoOptions(loss="exo_pair")


def test_early_stopping_keeps_the_best_weights_and_says_so(chat_model: Path, tmp_path: Path) -> None:
    # The dev pair prefers the reverse of what all others do.
    options = {"epochs": 12, "dev": 0.13, "patience": 2, "learning_rate": 0.02}
    pairs = [pair(f"{one.prompt[0]['content']}", one.chosen, one.rejected) for one in PAIRS]
    stage = on_preferences("dpo", chat_model, tmp_path, preferences=pairs, options=options)
    dev = stage.trainer().dev_pairs[0].place
    twisted = [pair(p.place, p.rejected, p.chosen) if p.place == dev else p for p in pairs]
    stage = on_preferences("dpo", chat_model, tmp_path, preferences=twisted, options=options)
    result = stage.run()
    looks = stage.dev_losses()
    assert result.stopped_early
    assert result.best_step < result.steps
    assert result.dev_loss == min(looks.values()) == looks[result.best_step]


def test_gradient_checkpointing_changes_nothing_but_the_rounding(chat_model: Path, tmp_path: Path) -> None:
    plain = on_preferences("dpo", chat_model, tmp_path / "1", options={"epochs": 1})
    twice = on_preferences("dpo", chat_model, tmp_path / "2", options={"epochs": 1, "gradient_checkpointing": True})
    plain.run()
    twice.run()
    assert twice.losses() == pytest.approx(plain.losses(), rel=1e-3)


def test_accumulated_batches_are_one_step(chat_model: Path, tmp_path: Path) -> None:
    large = on_preferences("dpo", chat_model, tmp_path / "1", options={"epochs": 2, "batch": 8})
    small = on_preferences("dpo", chat_model, tmp_path / "2", options={"epochs": 2, "batch": 4, "accumulation": 2})
    assert large.run().steps == small.run().steps == 2
    assert small.losses() == pytest.approx(large.losses(), rel=1e-2)


def test_all_weights_can_be_trained(chat_model: Path, tmp_path: Path) -> None:
    stage = on_preferences("dpo", chat_model, tmp_path, options={"adapter": "none", "epochs": 6, "learning_rate": 1e-3})
    result = stage.run()
    assert result.adapter is None
    assert result.model is not None
    assert (result.model / "model.safetensors").is_file()
    assert stage.losses()[0] == pytest.approx(0.6931, abs=1e-3)
    assert stage.losses()[-1] < 0.3


def test_a_loss_that_is_not_finite_stops_with_its_step(chat_model: Path, tmp_path: Path) -> None:
    import torch

    from loresmith_plugins.methods.dpo import train

    stage = on_preferences("dpo", chat_model, tmp_path)
    given = stage.trainer()
    make = given._trainer

    def poisoned(model: Any, *rest: Any) -> Any:
        with torch.no_grad():
            next(w for w in model.parameters() if w.requires_grad).fill_(torch.nan)
        return make(model, *rest)

    given._trainer = poisoned
    assert train.DpoTrainer is type(given)
    with pytest.raises(TrainError, match="the loss is nan at step 1"):
        given.train()


def test_a_full_disk_keeps_the_checkpoint_before(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loresmith_plugins.training import trl_stage

    with pytest.raises(Interrupted):
        on_preferences("dpo", chat_model, tmp_path, stop_after=1).run()
    kept = folder_hash(tmp_path / "checkpoint")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(trl_stage, "save_file", full)
    with pytest.raises(TrainError, match="the disk is full"):
        on_preferences("dpo", chat_model, tmp_path, resume=True, options=OFTEN).run()
    assert folder_hash(tmp_path / "checkpoint") == kept


def test_too_little_memory_is_said_with_what_to_do(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loresmith_plugins.methods.dpo import train

    def no_memory(*_: Any) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(train._Dpo, "_compute_loss", no_memory)
    with pytest.raises(TrainError, match="memory ran out at a step of 4 rows"):
        on_preferences("dpo", chat_model, tmp_path).run()


def test_nothing_is_printed_and_nothing_left_but_the_stage(
    chat_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    on_preferences("dpo", chat_model, tmp_path / "stage").run()
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in (tmp_path / "stage").iterdir()) == ["adapter"]


def test_both_replies_are_counted_as_trained(chat_model: Path, tmp_path: Path) -> None:
    found = on_preferences("dpo", chat_model, tmp_path).trainer().receipt()
    assert found.trained_tokens == sum(len(p.chosen) + len(p.rejected) + 2 for p in PAIRS)
    assert found.examples == len(PAIRS)
    trained = {text for sample in found.samples for text, learnt in sample if learnt}
    assert trained & {f"{p.chosen}<|im_end|>" for p in PAIRS}
    assert trained & {f"{p.rejected}<|im_end|>" for p in PAIRS}


def test_a_stage_without_pairs_is_refused_and_thumbs_are_sent_to_kto(chat_model: Path, tmp_path: Path) -> None:
    with pytest.raises(GateRefused, match="none of 1 preferences is a pair") as refused:
        on_preferences("dpo", chat_model, tmp_path, preferences=[thumb("Hi?", "Yes.", True)]).trainer().receipt()
    assert "kto" in refused.value.hint
    assert refused.value.exit_code == 3
