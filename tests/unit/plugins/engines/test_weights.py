"""One engine, many weights: the base, whole models in its place and adapters on either, each read once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from loresmith.errors import ModelError
from loresmith.values import Message, Weights
from loresmith_plugins.engines.transformers import weights as weights_module
from loresmith_plugins.engines.transformers.chat_model import TransformersChatModel
from loresmith_plugins.engines.transformers.load import LoadedModel, load_model

QUESTIONS = ("When does the kiosk open?", "May I bring my dog?")


def texts(engine: TransformersChatModel, weights: Weights) -> list[str]:
    engine.use(weights)
    asked: list[list[Message]] = [[{"role": "user", "content": question}] for question in QUESTIONS]
    return [completion.text for completion in engine.complete(asked)]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders whose whole weights were loaded, in order."""
    found: list[Path] = []

    def load(folder: Path) -> LoadedModel:
        found.append(folder)
        return load_model(folder)

    monkeypatch.setattr(weights_module, "load_model", load)
    return found


@pytest.fixture
def engine(chat_model: Path, loads: list[Path]) -> TransformersChatModel:
    return TransformersChatModel.load(chat_model, max_tokens=16, batch_tokens=4096)


@pytest.fixture(scope="module")
def tuned(chat_model: Path, adapters: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole weights: the base with the first adapter merged into it by PEFT."""
    from tiny_stage import plain_model

    folder = Path(shutil.copytree(chat_model, tmp_path_factory.mktemp("tuned") / "model"))
    plain_model(chat_model, adapters[0]).merge_and_unload().save_pretrained(folder)
    return folder


def test_adapters_are_swapped_per_request_on_a_base_that_is_loaded_once(
    engine: TransformersChatModel, adapters: tuple[Path, Path], loads: list[Path], chat_model: Path
) -> None:
    wanted = [Weights(), Weights(adapter=adapters[0]), Weights(adapter=adapters[1])]
    first = [texts(engine, weights) for weights in wanted]
    assert len({tuple(said) for said in first}) == 3
    for _ in range(3):
        assert [texts(engine, weights) for weights in wanted[::-1]] == first[::-1]
    assert loads == [chat_model]


def test_whole_weights_take_the_place_of_the_base_and_an_adapter_goes_on_them(
    engine: TransformersChatModel, tuned: Path, adapters: tuple[Path, Path], loads: list[Path], chat_model: Path
) -> None:
    base = texts(engine, Weights())
    # What was merged and saved replies as the adapter on the base does.
    assert texts(engine, Weights(model=tuned)) == texts(engine, Weights(adapter=adapters[0])) != base
    both = texts(engine, Weights(model=tuned, adapter=adapters[1]))
    assert both != texts(engine, Weights(adapter=adapters[1]))
    for _ in range(2):
        assert texts(engine, Weights()) == base
        assert texts(engine, Weights(model=tuned, adapter=adapters[1])) == both
    assert loads == [chat_model, tuned]


def test_a_base_that_nobody_asks_is_not_loaded(engine: TransformersChatModel, tuned: Path, loads: list[Path]) -> None:
    texts(engine, Weights(model=tuned))
    assert loads == [tuned]


def test_of_whole_weights_only_the_last_stay_beside_the_base(
    engine: TransformersChatModel, tuned: Path, loads: list[Path], chat_model: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(tuned, tmp_path / "other"))
    texts(engine, Weights())
    for model in (tuned, other, tuned):
        texts(engine, Weights(model=model))
        texts(engine, Weights())
    assert loads == [chat_model, tuned, other, tuned]


def test_weights_that_cannot_be_loaded_leave_those_in_use(
    engine: TransformersChatModel, tuned: Path, tmp_path: Path
) -> None:
    said = texts(engine, Weights(model=tuned))
    asked: list[list[Message]] = [[{"role": "user", "content": question}] for question in QUESTIONS]
    for weights in (Weights(model=tmp_path), Weights(adapter=tmp_path), Weights(model=tuned, adapter=tmp_path)):
        with pytest.raises(ModelError, match=f'"{tmp_path}" cannot be loaded'):
            engine.use(weights)
        assert [completion.text for completion in engine.complete(asked)] == said
