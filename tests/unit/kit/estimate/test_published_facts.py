"""The estimate agrees with what others published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loresmith.errors import UsageError
from loresmith.estimate.devices import GIB, PROGRAM, named
from loresmith.estimate.fitting import fit
from loresmith.estimate.memory import NF4, adapter_parameters, memory_of
from loresmith.estimate.plan import Plan
from loresmith.estimate.published import SIZES, published, size_in
from loresmith.estimate.rows import assumed
from loresmith.estimate.shapes import Linear

GB = 1_000_000_000
QLORA = Plan("qlora", assumed(512, ""), batch=4, checkpointing=True)
WHOLE_16_BIT = Plan("none", assumed(512, ""), batch=1, checkpointing=True, trained_bytes=2)


def test_a_layer_of_4096_by_4096_has_65536_adapter_parameters_at_rank_8() -> None:
    square = replace(published("7b"), linears=(Linear("q_proj", 4096, 4096, 1),))
    found = adapter_parameters(square, 8)
    assert found == 65_536
    assert round(100 * found / square.in_blocks, 2) == 0.39


@pytest.mark.parametrize(
    ("size", "parameters"),
    [("7b", 6_738_415_616), ("13b", 13_015_864_320), ("65b", 65_285_660_672), ("70b", 68_976_648_192),
     ("8b", 8_030_261_248), ("1b", 1_235_814_400), ("3b", 3_212_749_824)],
)  # fmt: skip
def test_the_shapes_of_a_size_add_up_to_the_published_parameters(size: str, parameters: int) -> None:
    assert published(size).parameters == parameters


def test_a_weight_in_nf4_takes_4_bits_and_the_0_127_bits_of_double_quantization() -> None:
    assert pytest.approx(4.127, abs=0.001) == NF4 * 8


@pytest.mark.parametrize("rank", [8, 64])
def test_7b_in_qlora_takes_6_to_10_gb(rank: int) -> None:
    takes = memory_of(published("7b"), replace(QLORA, rank=rank), 2).peak + PROGRAM["cuda"]
    assert 6 * GB <= takes <= 10 * GB


@pytest.mark.parametrize("size", ["65b", "70b"])
def test_65b_and_70b_in_qlora_fit_in_48_gb(size: str) -> None:
    assert fit(published(size), QLORA, named("a6000")).fits
    assert not fit(published(size), QLORA, named("a100-40")).fits


def test_7b_whole_in_16_bit_takes_28_gb_for_weights_and_gradients_and_54_with_adam() -> None:
    found = memory_of(published("7b"), WHOLE_16_BIT, 2)
    assert found.weights == found.gradients == 2 * 6_738_415_616
    assert 26.9 * GB < found.weights + found.gradients < 28 * GB
    assert found.optimizer == 2 * found.weights
    assert 28 * GB < found.peak < 56 * GB


def test_7b_whole_in_32_bit_takes_16_bytes_a_parameter() -> None:
    shapes = published("7b")
    found = memory_of(shapes, replace(WHOLE_16_BIT, trained_bytes=4), 2)
    assert found.peak >= 16 * shapes.parameters > 100 * GB


def test_an_adapter_takes_16_bytes_for_each_of_its_parameters() -> None:
    found = memory_of(published("7b"), replace(QLORA, adapter="lora"), 2)
    assert found.adapters + found.gradients + found.optimizer == 16 * found.trainable


def test_the_paged_optimizer_of_qlora_keeps_two_bytes_a_parameter_on_an_accelerator_only() -> None:
    shapes = published("7b")
    assert memory_of(shapes, QLORA, 2).optimizer == 2 * memory_of(shapes, QLORA, 2).trainable
    assert memory_of(shapes, QLORA, 4).optimizer == 8 * memory_of(shapes, QLORA, 4).trainable


def test_gradients_of_all_weights_take_the_place_of_activations_unless_they_are_kept_over_batches() -> None:
    shapes, plan = published("1b"), replace(WHOLE_16_BIT, batch=64, checkpointing=False)
    found, kept = memory_of(shapes, plan, 2), memory_of(shapes, replace(plan, accumulates=True), 2)
    parts = found.weights + found.gradients + found.optimizer + found.activations + found.logits
    assert found.peak < parts < kept.peak
    on_cpu = memory_of(shapes, plan, 4)
    assert on_cpu.peak > on_cpu.weights + on_cpu.gradients + on_cpu.optimizer + on_cpu.activations + on_cpu.logits


def test_a_size_that_is_not_known_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="9b") as raised:
        published("9b")
    assert all(size in raised.value.hint for size in SIZES)


@pytest.mark.parametrize(
    ("name", "size"),
    [("meta-llama/Llama-2-7b-hf", "7b"), ("x/Llama-3.1-70B", "70b"), ("x/Qwen2.5-0.5B", None), ("smollm2-135m", None),
     ("x/1.7B-chat", None)],
)  # fmt: skip
def test_a_size_is_read_from_a_name_only_where_it_stands_as_a_word(name: str, size: str | None) -> None:
    assert size_in(name) == size


def test_what_does_not_fit_is_told_what_would_make_it_fit() -> None:
    found = fit(published("7b"), replace(WHOLE_16_BIT, batch=8), named("RTX 4090"))
    assert not found.fits
    assert found.changes == ("batch: 1", "adapter: lora")
    assert found.peak_then <= found.device.room < found.memory.peak


def test_what_no_change_would_make_fit_is_not_promised() -> None:
    found = fit(published("70b"), WHOLE_16_BIT, named("t4"))
    assert (found.fits, found.changes) == (False, ())


def test_a_mac_is_not_offered_what_bitsandbytes_lacks_there() -> None:
    found = fit(published("7b"), QLORA, named("m3-36"))
    assert not found.fits
    assert "bitsandbytes" in found.reason
    assert found.changes == ("adapter: lora",)


def test_an_unknown_accelerator_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError) as raised:
        named("rtx-4091")
    assert 'Did you mean "rtx-4090"?' in raised.value.hint
    assert named("RTX 4090").memory == 24 * GIB
