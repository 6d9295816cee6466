"""Every way of putting adapters on a model learns, leaves the rest alone, resumes, and is served as it was trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from loresmith.errors import Interrupted, MissingExtraError, TrainError
from loresmith.files import folder_hash
from loresmith.specs import StageResult
from loresmith_plugins.engines.transformers.load import load_model
from loresmith_plugins.methods.sft import SftOptions
from loresmith_plugins.training.adapters import trainable, trainable_model
from loresmith_plugins.training.quantized import load_quantized
from tiny_stage import EXAMPLES, Stage, adapter_weights, plain_loss, plain_model, same_weights

DORA = {"variant": "dora"}
RSLORA = {"variant": "rslora"}
PISSA = {"variant": "pissa"}
LORA_FA = {"variant": "lora_fa"}
QLORA = {"adapter": "qlora"}
SIXTEEN_BIT = {"adapter_dtype": "bfloat16"}
FULL = {"adapter": "none", "learning_rate": 0.002}
ADAPTERS = [DORA, RSLORA, PISSA, LORA_FA, QLORA, SIXTEEN_BIT]
ALL = [*ADAPTERS, FULL]


def name_of(options: dict[str, Any]) -> str:
    return str(next(iter(options.values())))


def left(result: StageResult) -> Path:
    """Return the folder a stage left."""
    folder = result.model or result.adapter
    assert folder is not None
    return folder


def served_loss(base: Path, result: StageResult) -> float:
    """Return the loss on the dev split of what the stage left, read with the plain libraries."""
    model = plain_model(result.model or base, result.adapter)
    return float(plain_loss(model, base, EXAMPLES[:2]).item())


# ---------------------------------------------------------------------------------------------- each way by itself


@pytest.mark.parametrize("options", ALL, ids=name_of)
def test_the_loss_falls_and_what_is_left_has_the_loss_that_was_measured(
    chat_model: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    before = folder_hash(chat_model)
    stage = Stage(chat_model, tmp_path, options={"epochs": 5, **options})
    result = stage.run()
    assert stage.losses()[-1] < 0.85 * stage.losses()[0]
    assert folder_hash(chat_model) == before
    rounding = 5e-3 if options == SIXTEEN_BIT else 1e-4
    measured = result.details["served_dev_loss"] if options == QLORA else result.dev_loss
    assert served_loss(chat_model, result) == pytest.approx(measured, rel=rounding)
    assert measured == pytest.approx(result.dev_loss, rel=0.1)
    parity = result.details["parity"]
    assert parity["prompts"] == parity["prompts_equal"] == 2
    assert ("explained" in parity) == (options == QLORA)
    if options not in (QLORA, SIXTEEN_BIT):
        assert parity["next_tokens"] == parity["next_tokens_equal"]
        assert parity["largest_difference"] < 5e-3


@pytest.mark.parametrize("options", [DORA, PISSA, LORA_FA, QLORA, FULL], ids=name_of)
def test_a_resumed_stage_leaves_the_very_weights_of_an_unbroken_one(
    chat_model: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    unbroken = Stage(chat_model, tmp_path / "unbroken", options=options).run()
    with pytest.raises(Interrupted):
        Stage(chat_model, tmp_path / "broken", options=options, stop_after=2).run()
    resumed = Stage(chat_model, tmp_path / "broken", options=options, resume=True)
    result = resumed.run()
    assert [step["step"] for step in resumed.steps()] == [3, 4]
    assert folder_hash(left(result)) == folder_hash(left(unbroken))


def test_adapters_have_the_scale_of_their_kind(chat_model: Path, tmp_path: Path) -> None:
    scales = {}
    for kind in ("plain", "rslora"):
        options = SftOptions.model_validate({"variant": kind, "rank": 4, "alpha": 8})
        layer = trainable_model(chat_model, options, None).base_model.model.model.layers[0].self_attn.q_proj
        scales[kind] = layer.scaling["default"]
    assert scales == {"plain": 2.0, "rslora": 4.0}


def test_dora_learns_a_magnitude_beside_the_direction(chat_model: Path, tmp_path: Path) -> None:
    learnt = adapter_weights(left(Stage(chat_model, tmp_path, options={"epochs": 1, **DORA}).run()))
    assert sum("lora_magnitude_vector" in name for name in learnt) == 14


def test_lora_fa_learns_b_alone_and_keeps_a_as_it_began(chat_model: Path, tmp_path: Path) -> None:
    import torch

    found = [Stage(chat_model, tmp_path / str(n), options={"epochs": n, **LORA_FA}).run() for n in (1, 3)]
    one, two = (adapter_weights(left(result)) for result in found)
    assert all(torch.equal(one[name], two[name]) for name in one if ".lora_A." in name)
    assert not any(torch.equal(one[name], two[name]) for name in one if ".lora_B." in name)
    assert found[0].details["trainable_parameters"] == sum(w.numel() for n, w in one.items() if ".lora_B." in n)


def test_pissa_begins_where_the_base_is_and_is_written_for_the_base_as_it_is(chat_model: Path, tmp_path: Path) -> None:
    stage = Stage(chat_model, tmp_path, options={"rank": 4, "epochs": 1, "batch": 8, **PISSA})
    result = stage.run()
    start = plain_loss(plain_model(chat_model, None), chat_model, EXAMPLES).item()
    assert stage.losses()[0] == pytest.approx(start, rel=1e-4)
    config = json.loads((left(result) / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["r"], config["lora_alpha"], config["init_lora_weights"]) == (8, 32, True)


def test_all_weights_train_and_the_folder_they_leave_is_a_base_of_its_own(chat_model: Path, tmp_path: Path) -> None:
    import torch

    result = Stage(chat_model, tmp_path, options=FULL).run()
    assert result.adapter is None
    assert result.model is not None
    was, now = dict(load_model(chat_model).model.named_parameters()), load_model(result.model)
    assert all(not torch.equal(was[name], weight) for name, weight in now.model.named_parameters())
    assert result.details["trainable_parameters"] == sum(weight.numel() for weight in was.values())
    assert now.format.eos_ids == load_model(chat_model).format.eos_ids
    assert now.format.render(EXAMPLES[0].messages) == load_model(chat_model).format.render(EXAMPLES[0].messages)


def test_all_weights_learn_more_gently_unless_told_otherwise() -> None:
    assert SftOptions.model_validate({"adapter": "none"}).learning_rate == 5e-5
    assert SftOptions.model_validate({"adapter": "none", "learning_rate": 1e-4}).learning_rate == 1e-4
    assert SftOptions().learning_rate == 5e-4


def test_adapters_of_16_bit_are_kept_so(chat_model: Path, tmp_path: Path) -> None:
    import torch

    learnt = adapter_weights(left(Stage(chat_model, tmp_path, options={"epochs": 1, **SIXTEEN_BIT}).run()))
    assert {weight.dtype for weight in learnt.values()} == {torch.bfloat16}


# --------------------------------------------------------------------------------------------------------- in 4 bit


def test_in_4_bit_the_base_is_small_and_stays_as_it_was(
    chat_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from loresmith_plugins.training import adapters

    loaded = load_quantized(chat_model)
    whole = load_model(chat_model).model
    layers = [name for name, _ in whole.named_parameters() if "proj" in name]
    own = dict(loaded.named_parameters())
    assert all(own[name].dtype == torch.uint8 for name in layers)
    small, large = (sum(w[n].nbytes for n in layers) for w in (own, dict(whole.named_parameters())))
    assert small == large / 8
    before = {name: weight.clone() for name, weight in loaded.named_parameters()}
    monkeypatch.setattr(adapters, "load_quantized", lambda _: loaded)
    Stage(chat_model, tmp_path, options={"epochs": 2, **QLORA}).run()
    assert all(torch.equal(own[name], weight) for name, weight in before.items())


def test_in_4_bit_a_stage_goes_on_from_an_adapter_and_dora_works_too(chat_model: Path, tmp_path: Path) -> None:
    first = Stage(chat_model, tmp_path / "1", options={"epochs": 4, **DORA}).run()
    second = Stage(chat_model, tmp_path / "2", adapter=first.adapter, options={"epochs": 1, "batch": 8, **QLORA})
    result = second.run()
    reached = plain_loss(plain_model(chat_model, first.adapter), chat_model, EXAMPLES).item()
    assert second.losses()[0] == pytest.approx(reached, rel=0.1)
    assert any("magnitude" in name for name in adapter_weights(left(result)))


def test_without_bitsandbytes_the_extra_is_named(chat_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingExtraError, match="bitsandbytes is not installed"):
        load_quantized(chat_model)


@pytest.mark.slow
def test_the_default_model_in_4_bit_takes_at_most_a_third_of_its_memory(real_cache: Path) -> None:
    base = real_cache / "smollm2-135m"
    if not base.is_dir():
        pytest.skip("the default model is not in the cache")
    whole = load_model(base).model.get_memory_footprint()
    small = trainable_model(base, SftOptions.model_validate(QLORA), None).get_memory_footprint()
    assert small <= 0.35 * whole


# ----------------------------------------------------------------------------------------------- one stage and more


@pytest.mark.parametrize("first", [{}, DORA, RSLORA, PISSA, QLORA], ids=["plain", "dora", "rslora", "pissa", "qlora"])
def test_a_stage_goes_on_from_adapters_of_any_kind(chat_model: Path, tmp_path: Path, first: dict[str, Any]) -> None:
    before = Stage(chat_model, tmp_path / "1", options={"epochs": 2, **first}).run()
    second = Stage(chat_model, tmp_path / "2", adapter=before.adapter, options={"epochs": 1, "batch": 8})
    after = second.run()
    reached = plain_loss(plain_model(chat_model, before.adapter), chat_model, EXAMPLES).item()
    assert second.losses()[0] == pytest.approx(reached, rel=1e-4)
    assert served_loss(chat_model, after) == pytest.approx(after.dev_loss, rel=1e-4)
    assert not same_weights(left(before), left(after))


def test_adapters_follow_on_all_weights_and_all_weights_on_adapters(chat_model: Path, tmp_path: Path) -> None:
    first = Stage(chat_model, tmp_path / "1", options={"epochs": 2, **FULL}).run()
    assert first.model is not None
    second = Stage(first.model, tmp_path / "2", options={"epochs": 2, "batch": 8})
    reached = plain_loss(plain_model(first.model, None), chat_model, EXAMPLES).item()
    adapter = second.run().adapter
    assert second.losses()[0] == pytest.approx(reached, rel=1e-4)
    third = Stage(first.model, tmp_path / "3", adapter=adapter, options={"epochs": 1, "batch": 8, **FULL})
    result = third.run()
    reached = plain_loss(plain_model(first.model, adapter), chat_model, EXAMPLES).item()
    assert third.losses()[0] == pytest.approx(reached, rel=1e-4)
    assert (result.adapter, result.model) == (None, tmp_path / "3" / "model")
    assert served_loss(chat_model, result) == pytest.approx(result.dev_loss, rel=1e-4)


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ({}, {"alpha": 4}, "asks for alpha 4.0, and the adapter it goes on from has alpha 16"),
        ({}, PISSA, "asks for variant pissa, and the adapter it goes on from has variant plain"),
        (DORA, {"variant": "plain"}, "asks for variant plain, and the adapter it goes on from has variant dora"),
        ({}, {"targets": ["q_proj"]}, "asks for adapters on q_proj, and the adapter it goes on from is on down_proj"),
    ],
    ids=["alpha", "pissa", "dora", "targets"],
)
def test_a_stage_that_asks_for_other_adapters_than_it_goes_on_from_is_refused(
    chat_model: Path, tmp_path: Path, first: dict[str, Any], second: dict[str, Any], why: str
) -> None:
    before = Stage(chat_model, tmp_path / "1", options={"epochs": 1, "batch": 8, **first}).run().adapter
    with pytest.raises(TrainError, match=why) as refused:
        Stage(chat_model, tmp_path / "2", adapter=before, options=second).trainer()
    assert "leave" in refused.value.hint.lower()


def test_dropout_may_change_from_stage_to_stage(chat_model: Path, tmp_path: Path) -> None:
    import torch

    before = Stage(chat_model, tmp_path / "1", options={"epochs": 1}).run().adapter
    model = trainable_model(chat_model, SftOptions.model_validate({"dropout": 0.3}), before)
    assert {layer.p for layer in model.modules() if isinstance(layer, torch.nn.Dropout)} == {0.3}
    assert all(".lora_" in name for name in trainable(model))


# --------------------------------------------------------------------------------------------- said before training


def test_a_rank_above_the_layers_is_refused_before_anything_loads(chat_model: Path, tmp_path: Path) -> None:
    why = r'rank 17 is above what 4 of the 14 layers have: "model.layers.0.self_attn.k_proj" is 16 × 32'
    with pytest.raises(TrainError, match=why) as refused:
        Stage(chat_model, tmp_path, options={"rank": 17}).trainer()
    assert "Lower `rank` to 16" in refused.value.hint
    Stage(chat_model, tmp_path, options={"rank": 17, "targets": ["q_proj"]}).trainer()


def test_targets_that_match_nothing_are_refused_with_those_there_are(chat_model: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match='names "c_attn", and the model has no such') as refused:
        Stage(chat_model, tmp_path, options={"targets": ["q_proj", "c_attn"]}).trainer()
    assert refused.value.hint.startswith("There are: q_proj, k_proj")
    assert "lm_head" not in refused.value.hint


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"adapter": "none", "rank": 4}, "rank belongs to adapters"),
        ({"adapter": "none", "variant": "dora"}, "variant belongs to adapters"),
        ({"adapter": "qlora", "variant": "pissa"}, "pissa takes the base's weights apart"),
        ({"objective": "documents", "packing": True}, 'packing has no meaning with "objective: documents"'),
        ({"block": 64}, 'block has no meaning with "objective: replies"'),
    ],
    ids=["rank of none", "variant of none", "pissa in 4 bit", "documents packed twice", "block of replies"],
)
def test_options_that_do_not_fit_together_are_refused_with_the_recipe(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        SftOptions.model_validate(options)
