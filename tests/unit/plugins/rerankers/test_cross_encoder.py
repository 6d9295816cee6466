from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fake_parts import FakeEngine
from loresmith.errors import ModelRefused
from loresmith.host import PluginHost
from loresmith.specs import Reranker, RerankerContext, RerankerSpec
from loresmith.testing import check_reranker
from loresmith.values import Chunk, Hit
from loresmith_plugins.rerankers.cross_encoder.reranker import CrossEncoder
from tiny_embedder import tiny_cross_encoder

TEXTS = ["the dog on deck", "a ferry fare ticket for a child " * 6, "harbour", "refund the boat ticket"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_cross_encoder(tmp_path_factory.mktemp("models") / "one")


def hits() -> list[Hit]:
    return [Hit(Chunk(f"c{n}", "d.md", 0, len(t), t), 1.0, {"dense": 1.0}) for n, t in enumerate(TEXTS)]


def test_it_conforms(host: PluginHost, model: Path) -> None:
    spec = host.registry.get(RerankerSpec, "cross-encoder")
    named: list[str] = []

    def find(name: str) -> Path:
        named.append(name)
        return model

    reranker = spec.build(spec.options.model_validate({"model": "./some"}), RerankerContext(FakeEngine, find))
    assert isinstance(reranker, Reranker)
    assert named == []
    check_reranker(reranker, "dog on the ferry", hits())
    assert named == ["./some"]


def test_scores_are_those_of_the_model_pair_by_pair(model: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(model))
    plain = AutoModelForSequenceClassification.from_pretrained(str(model)).eval()
    found = CrossEncoder(lambda: model, 512).scores("dog fare", TEXTS)
    for text, score in zip(TEXTS, found, strict=True):
        inputs = tokenizer("dog fare", text, return_tensors="pt", truncation=True, max_length=64)
        with torch.no_grad():
            assert score == pytest.approx(float(plain(**inputs).logits.sigmoid()), abs=1e-5)
    assert len(set(found)) == len(TEXTS)


def test_a_pair_longer_than_the_window_is_cut(model: Path) -> None:
    encoder = CrossEncoder(lambda: model, 16)
    assert encoder.scores("dog", ["fare " * 100]) == encoder.scores("dog", ["fare " * 200])


def test_two_outputs_are_irrelevant_and_relevant(tmp_path: Path) -> None:
    found = CrossEncoder(lambda: tiny_cross_encoder(tmp_path / "two", labels=2), 64).scores("dog", TEXTS)
    assert all(0 < score < 1 for score in found)


@pytest.mark.parametrize(("labels", "headless", "what"), [(3, False, "tells 3 classes apart"), (1, True, "lack")])
def test_a_model_that_is_no_cross_encoder_is_refused(tmp_path: Path, labels: int, headless: Any, what: str) -> None:
    folder = tiny_cross_encoder(tmp_path / "wrong", labels=labels, headless=headless)
    with pytest.raises(ModelRefused, match=what):
        CrossEncoder(lambda: folder, 64).rerank("dog", hits())
