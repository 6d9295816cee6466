"""The singular values of a low-rank update are those of the whole product, whatever the variant's scale."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loresmith.cli.spectrum import ranks_to, spectrum_text
from loresmith.errors import UsageError
from loresmith.runs.folder import RunFolder
from loresmith.runs.spectrum import LayerSpectrum, spectra, spectrum

NAME = "base_model.model.model.layers.{}.self_attn.q_proj"


def write_adapter(folder: Path, tensors: Mapping[str, np.ndarray], **config: Any) -> Path:
    """Write an adapter as PEFT does; arrays of 16-bit whole numbers stand for bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in tensors.items():
        raw = array.tobytes()
        dtype = {"f4": "F32", "f2": "F16", "u2": "BF16"}[array.dtype.str[1:]]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header).encode()
    (folder / "adapter_model.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + data)
    (folder / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": 8, **config}))
    return folder


def halves(layer: int = 0, rank: int = 4, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return A (rank, 12) and B (20, rank) by their names, and the product B · A."""
    random = np.random.default_rng(seed)
    a, b = (random.normal(size=shape).astype("f4") for shape in ((rank, 12), (20, rank)))
    name = NAME.format(layer)
    return {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}, b.astype("f8") @ a.astype("f8")


@pytest.mark.parametrize(
    ("config", "scale"),
    [({}, 8 / 4), ({"use_rslora": True}, 8 / 2), ({"alpha_pattern": {"q_proj": 2}}, 2 / 4)],
    ids=["lora", "rslora", "its own alpha"],
)
def test_the_values_are_those_of_the_whole_product(tmp_path: Path, config: dict[str, Any], scale: float) -> None:
    tensors, product = halves()
    found = spectrum(write_adapter(tmp_path, tensors, **config))
    [layer] = found.layers
    assert (layer.name, layer.kind, layer.outputs, layer.inputs, layer.rank) == (
        "model.layers.0.self_attn.q_proj", "q_proj", 20, 12, 4,
    )  # fmt: skip
    values = np.linalg.svd(scale * product, compute_uv=False)
    assert np.allclose(layer.values, values[:4], rtol=1e-6)
    energy = np.cumsum(values**2) / np.sum(values**2)
    assert layer.kept(2) == pytest.approx(energy[1])
    assert layer.kept(4) == layer.kept(256) == pytest.approx(1.0)
    assert layer.rank_for(energy[1] - 1e-9) == 2
    assert found.remarks == ()


def test_an_adapter_that_holds_a_difference_of_two_is_as_exact(tmp_path: Path) -> None:
    """As PiSSA is written: [B, -B₀] · [A; A₀], where B and A are close to B₀ and A₀."""
    (tensors, _), moved = halves(), 1e-3
    (a_name, a0), (b_name, b0) = tensors.items()
    a, b = (half + np.float32(moved) * np.sign(half) for half in (a0, b0))
    product = b.astype("f8") @ a.astype("f8") - b0.astype("f8") @ a0.astype("f8")
    joined = {a_name: np.concatenate([a, a0]), b_name: np.concatenate([b, -b0], axis=1)}
    found = spectrum(write_adapter(tmp_path, joined, r=8, lora_alpha=8))
    values = np.linalg.svd(product, compute_uv=False)
    assert np.allclose(found.layers[0].values, values[:8], rtol=1e-4, atol=1e-9)


def test_dora_and_further_tensors_are_said_and_a_layer_without_an_update_counts_as_kept(tmp_path: Path) -> None:
    tensors, _ = halves()
    still, _ = halves(layer=1)
    still[f"{NAME.format(1)}.lora_B.weight"][:] = 0
    more = {f"{NAME.format(0)}.lora_magnitude_vector.weight": np.ones(20, "f4"), "score.weight": np.ones((1, 4), "f4")}
    found = spectrum(write_adapter(tmp_path, tensors | still | more, use_dora=True))
    assert found.variant == "dora"
    text = " ".join(found.remarks)
    assert all(
        said in text for said in ("DoRA scales every output", "1 of 2 layers learned nothing", "1 further tensor")
    )
    assert (found.layers[1].kept(1), found.layers[1].rank_for(0.99)) == (1.0, 0)


def test_sixteen_bit_weights_are_read(tmp_path: Path) -> None:
    tensors, _ = halves()
    cut = {name: (half.view("u4") >> 16).astype("u2") for name, half in tensors.items()}
    a, b = ((half.astype("u4") << 16).view("f4") for half in cut.values())
    found = spectrum(write_adapter(tmp_path, cut))
    values = np.linalg.svd(2.0 * b.astype("f8") @ a.astype("f8"), compute_uv=False)
    assert np.allclose(found.layers[0].values, values[:4], rtol=1e-6)


def test_an_adapter_that_serves_both_trained_rungs_comes_once_and_pissa_is_said(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(UsageError, match="has no adapter"):
        spectra(run)
    write_adapter(run.adapter, halves()[0])
    run.recipe.write_text("training: [{method: sft, variant: pissa}]")
    [found] = spectra(run)
    assert found.rungs == ("tuned", "hybrid")
    assert "twice the trained rank" in found.remarks[-1]
    text = spectrum_text([found])
    assert "adapter of tuned and hybrid: lora, rank 4" in text
    assert "100.00%" in text
    assert found.to_json()["layers"][0]["values"] == found.layers[0].values


def test_ranks_that_are_shown_end_with_the_highest() -> None:
    assert [ranks_to(rank) for rank in (1, 6, 8)] == [[1], [1, 2, 4, 6], [1, 2, 4, 8]]
    assert LayerSpectrum("x", 1, 1, 1, 1.0, (0.0,)).kept(0) == 1.0
