"""Shapes from configs and headers are those of the models that transformers makes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loresmith.errors import ModelRefused
from loresmith.estimate.bases import read_header, read_shapes
from loresmith.estimate.shapes import from_config
from tiny_models import write_chat_model

SMALL: dict[str, Any] = {
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("Llama", {}),
        ("Llama", {"tie_word_embeddings": True, "head_dim": 16}),
        ("Mistral", {}),
        ("Qwen2", {}),
        ("Qwen3", {"head_dim": 8}),
        ("Gemma", {"head_dim": 8}),
        ("Gemma2", {"head_dim": 8}),
        ("Phi3", {"pad_token_id": 0}),
    ],
)
def test_the_config_gives_the_parameters_of_the_model(kind: str, more: dict[str, Any]) -> None:
    import torch
    import transformers

    config = getattr(transformers, f"{kind}Config")(**SMALL, **more)
    with torch.device("meta"):
        model = getattr(transformers, f"{kind}ForCausalLM")(config)
    shapes = from_config(config.to_dict(), kind)
    assert shapes.parameters == sum(weight.numel() for weight in model.parameters())
    wide = [m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and not n.endswith("lm_head")]
    assert shapes.in_blocks == sum(m.weight.numel() for m in wide)


@pytest.mark.parametrize("tied", [True, False])
def test_the_header_of_the_weights_says_the_same_as_the_config(tmp_path: Path, tied: bool) -> None:
    folder = write_chat_model(tmp_path / "model", tied=tied)
    exact = read_shapes(folder, "tiny")
    config = from_config(json.loads((folder / "config.json").read_text(encoding="utf-8")), "tiny")
    assert exact.exact
    assert set(exact.linears) == set(config.linears)
    assert replace(exact, linears=config.linears, exact=False) == config


def test_the_header_beats_the_config(tmp_path: Path) -> None:
    folder = write_chat_model(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 4096}), encoding="utf-8")
    assert {linear.inputs for linear in read_shapes(folder, "tiny").linears} == {32, 64}


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", (2**63).to_bytes(8, "little") + b"{}"])
def test_a_file_that_does_not_begin_as_safetensors_do_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(ModelRefused, match="does not begin as safetensors do"):
        read_header(file)


def test_a_config_without_widths_is_refused_by_name() -> None:
    with pytest.raises(ModelRefused, match='"odd" does not say its hidden_size'):
        from_config({"model_type": "t5"}, "odd")
