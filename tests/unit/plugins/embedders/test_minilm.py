from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loresmith.errors import ModelRefused
from loresmith.testing import check_embedder
from loresmith_plugins.embedders.minilm import MINILM
from loresmith_plugins.embedders.minilm.encoder import Encoder, batches
from loresmith_plugins.embedders.minilm.folder import EncoderFolder
from tiny_embedder import tiny_embedder

TEXTS = ["the dog", "may dogs on the ferry deck? " * 9, "", "refund", "boat", "the child ticket fare", "dog"] * 3


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_embedder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copied(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "model"))


def encoder(folder: Path, batch: int = 64) -> Encoder:
    return Encoder(lambda: folder, batch)


def test_it_conforms(model: Path) -> None:
    check_embedder(encoder(model))


def test_batches_of_any_size_give_the_vectors_of_single_texts(model: Path) -> None:
    alone = np.vstack([encoder(model).embed([text]) for text in TEXTS])
    for batch in (1, 2, 5, 64):
        np.testing.assert_allclose(encoder(model, batch).embed(TEXTS), alone, atol=1e-5)


def test_different_texts_have_different_vectors(model: Path) -> None:
    dog, dogs, boat = encoder(model).embed(["the dog", "the dogs", "a boat on the deck"])
    assert dog @ dogs < 0.999
    assert dog @ boat < 0.99


def test_progress_counts_texts_to_the_end(model: Path) -> None:
    seen: list[tuple[int, int]] = []
    encoder(model, 4).embed(TEXTS, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(TEXTS), len(TEXTS))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_is_beyond_the_window_does_not_count(model: Path) -> None:
    inside = "dog " * 30
    vectors = encoder(model).embed([inside, inside + "boat " * 100, "boat " + inside])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert not np.allclose(vectors[0], vectors[2], atol=1e-3)


def test_half_a_surrogate_pair_does_not_stop_it(model: Path) -> None:
    assert encoder(model).embed(["dog \ud800"]).shape == (1, 16)


def test_cls_pooling_is_another_vector(tmp_path: Path) -> None:
    mean = encoder(tiny_embedder(tmp_path / "mean"))
    cls = encoder(tiny_embedder(tmp_path / "cls", pooling="cls"))
    assert not np.allclose(mean.embed(["the dog"]), cls.embed(["the dog"]), atol=1e-3)
    assert mean.identity != cls.identity


def test_identity_follows_weights_and_window_and_nothing_else(tmp_path: Path) -> None:
    one = encoder(tiny_embedder(tmp_path / "one"))
    same = encoder(tiny_embedder(tmp_path / "same"), batch=3)
    other = encoder(tiny_embedder(tmp_path / "other", seed=1))
    narrow = encoder(tiny_embedder(tmp_path / "narrow", window=16))
    assert one.identity == same.identity
    assert len({one.identity, other.identity, narrow.identity}) == 3


def test_nothing_is_looked_for_before_it_is_needed(model: Path) -> None:
    asked = []

    def find() -> Path:
        asked.append(1)
        return model

    built = Encoder(find, 8)
    assert not asked
    assert (built.dimension, built.identity) != (0, "")
    assert len(asked) == 1


@pytest.mark.parametrize("seed", range(20))
def test_batches_hold_every_text_once_within_both_limits(seed: int) -> None:
    random_ = random.Random(seed)
    lengths = [random_.randint(0, 300) for _ in range(random_.randint(0, 200))]
    rows, tokens = random_.randint(1, 64), random_.randint(1, 4000)
    pads = bool(seed % 2)
    found = list(batches(lengths, rows, tokens, pads=pads))
    assert sorted(position for batch in found for position in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) <= rows
        assert len(batch) == 1 or len(batch) * max(lengths[position] for position in batch) <= tokens
        assert pads or len({lengths[position] for position in batch}) == 1


def _without(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def _holding(name: str, value: Any) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without("model.safetensors"), "model.safetensors is missing"),
        (_without("tokenizer.json"), "tokenizer.json is missing"),
        (_holding("config.json", "{"), "is damaged"),
        (_holding("config.json", "[]"), "must hold an object"),
        (_holding("config.json", {}), "does not say its hidden_size"),
        (_holding("modules.json", [{"type": "sentence_transformers.models.Dense"}]), "has a step Dense"),
        (_holding("modules.json", [{}]), "is damaged"),
        (_holding("1_Pooling/config.json", {"pooling_mode_max_tokens": True}), "asks for pooling_mode_max_tokens"),
    ],
)
def test_a_folder_that_is_no_known_encoder_is_refused(
    copied: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(copied)
    with pytest.raises(ModelRefused, match=message):
        encoder(copied).embed(["text"])


def test_weights_that_are_not_whole_are_refused(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelRefused, match=r"lack encoder\.layer\.1\.output\.dense\.weight and 0 more"):
        encoder(copied).embed(["text"])


def test_a_folder_without_settings_pools_the_mean_over_the_whole_window(copied: Path) -> None:
    for name in ("modules.json", "sentence_bert_config.json", "1_Pooling/config.json"):
        (copied / name).unlink()
    folder = EncoderFolder.open(copied)
    assert (folder.window, folder.pooling, folder.dimension) == (64, "mean", 16)


def test_the_preset_takes_what_an_encoder_needs_and_nothing_else(copied: Path, tmp_path: Path) -> None:
    (copied / "run_me.py").write_text("raise SystemExit")
    MINILM.convert(copied, tmp_path / "taken", lambda _done, _total: None)
    taken = {path.relative_to(tmp_path / "taken").as_posix() for path in (tmp_path / "taken").rglob("*.*")}
    assert "run_me.py" not in taken
    assert encoder(tmp_path / "taken").identity == encoder(copied).identity


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_vectors_are_those_of_sentence_transformers(model: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    theirs = library.SentenceTransformer(str(model), device="cpu").encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(encoder(model).embed(TEXTS), theirs, atol=1e-5)
