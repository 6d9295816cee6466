"""ONNX Runtime and torch give the same vectors, and a query needs the first alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_path

from loresmith.errors import ModelRefused
from loresmith_plugins.embedders.minilm import encoder as encoders
from loresmith_plugins.embedders.minilm.encoder import Encoder
from tiny_embedder import tiny_embedder

TEXTS = ["the dog", "may dogs on the ferry deck? " * 9, "", "refund", "boat", "the child ticket fare", "dog"] * 3


def vectors(folder: Path, runtime: Any) -> Any:
    return Encoder(lambda: folder, 4, runtime).embed(TEXTS)


def reshaped(folder: Path, config: type[Any], model: type[Any], prefix: str = "", dtype: str = "float32") -> Path:
    """Put another family's random weights in the place of a tiny embedder's."""
    import torch
    from safetensors.torch import load_file, save_file

    tiny_embedder(folder)
    torch.manual_seed(3)
    model(config).save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    save_file(
        {prefix + name: weight.to(getattr(torch, dtype)) for name, weight in weights.items()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    return folder


def families() -> dict[str, tuple[Any, Any]]:
    from transformers import (
        BertConfig,
        BertModel,
        DistilBertConfig,
        DistilBertModel,
        RobertaConfig,
        RobertaModel,
        XLMRobertaConfig,
        XLMRobertaModel,
    )

    size: dict[str, Any] = {
        "vocab_size": 200, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 24, "max_position_embeddings": 80, "initializer_range": 0.5,
    }  # fmt: skip
    distil = {"vocab_size": 200, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "initializer_range": 0.5}
    return {
        "bert": (BertConfig(**size, hidden_act="gelu_new"), BertModel),
        "roberta": (RobertaConfig(**size, pad_token_id=1), RobertaModel),
        "xlm-roberta": (XLMRobertaConfig(**size, pad_token_id=1), XLMRobertaModel),
        "distilbert": (DistilBertConfig(**distil, activation="relu"), DistilBertModel),
    }


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_both_runtimes_give_the_same_vectors(tmp_path: Path, pooling: str) -> None:
    model = tiny_embedder(tmp_path, pooling=pooling)
    np.testing.assert_allclose(vectors(model, "onnx"), vectors(model, "torch"), atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "distilbert"])
def test_so_they_do_for_each_family_that_is_written_as_a_graph(tmp_path: Path, family: str) -> None:
    model = reshaped(tmp_path, *families()[family])
    np.testing.assert_allclose(vectors(model, "onnx"), vectors(model, "torch"), atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_weights_of_half_precision_under_another_prefix_are_read(tmp_path: Path, dtype: str) -> None:
    model = reshaped(tmp_path, *families()["bert"], prefix="bert.", dtype=dtype)
    np.testing.assert_allclose(vectors(model, "onnx"), vectors(model, "torch"), atol=1e-5)


def test_another_family_runs_on_torch_unless_that_is_ruled_out(tmp_path: Path) -> None:
    from transformers import ElectraConfig, ElectraModel

    config = ElectraConfig(
        vocab_size=200, embedding_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=24, max_position_embeddings=80,
    )  # fmt: skip
    model = reshaped(tmp_path, config, ElectraModel)
    assert np.array_equal(vectors(model, "auto"), vectors(model, "torch"))
    with pytest.raises(ModelRefused, match='its model_type is "electra"'):
        vectors(model, "onnx")


def test_weights_cut_short_are_refused(tmp_path: Path) -> None:
    weights = tiny_embedder(tmp_path) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    with pytest.raises(ModelRefused, match=f"it has {len(whole) - 10} bytes of {len(whole)}"):
        vectors(tmp_path, "auto")
    weights.write_bytes(whole[:5])
    with pytest.raises(ModelRefused, match="it has no list of weights"):
        vectors(tmp_path, "auto")


def test_the_graph_is_kept_once_for_a_shape_and_nothing_is_written_into_the_model(tmp_path: Path) -> None:
    first, second = tiny_embedder(tmp_path / "a"), tiny_embedder(tmp_path / "b", seed=1)
    before = sorted(path.name for path in first.rglob("*"))
    assert not np.allclose(vectors(first, "onnx"), vectors(second, "onnx"), atol=1e-3)
    assert sorted(path.name for path in first.rglob("*")) == before
    (graph,) = (user_cache_path("loresmith") / "graphs").iterdir()
    assert graph.stat().st_size < 50_000


def test_many_texts_go_to_an_accelerator_and_few_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "accelerator", lambda: True)
    monkeypatch.setattr(encoders, "MANY", 3)
    opened = Encoder(lambda: tiny_embedder(tmp_path), 4)
    opened.embed(["dog", "boat"])
    assert "_on_torch" not in vars(opened)
    opened.embed(["dog", "boat", "ferry"])
    assert "_on_torch" in vars(opened)


QUERY = """
import sys
from pathlib import Path
from loresmith_plugins.embedders.minilm.encoder import Encoder
Encoder(lambda: Path(sys.argv[1]), 8).embed(["the dog"])
import json
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_a_query_imports_neither_torch_nor_what_writes_graphs(tmp_path: Path) -> None:
    model = tiny_embedder(tmp_path)
    vectors(model, "onnx")
    done = subprocess.run([sys.executable, "-c", QUERY, str(model)], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "onnx", "safetensors"} & set(json.loads(done.stdout))


@pytest.mark.slow
def test_the_presets_vectors_are_the_same_on_both(real_cache: Path) -> None:
    folder = real_cache / "minilm"
    if not folder.is_dir():
        pytest.skip("the preset is not in the cache")
    texts = ["What does a dog cost?", "The fare is 9.40 marks. " * 60, "naïve — 中文"]
    both = [Encoder(lambda: folder, 8, runtime).embed(texts) for runtime in ("onnx", "torch")]  # type: ignore[arg-type]
    np.testing.assert_allclose(*both, atol=1e-5)
